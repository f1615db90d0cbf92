import { resolve } from "node:path";
import type { Mount } from "@pouchcontainer/api";
import { BadFlagValue } from "../flags/flag-types.ts";
import { parseBytes } from "../flags/value-parsers.ts";

export interface VolumeFlags {
  binds: string[];
  /** Paths that get an anonymous volume. */
  volumes: Record<string, Record<string, never>>;
}

/** Splits `--volume` values: `[source:]destination[:mode]`. A relative source becomes a path from this folder. */
export function readVolumes(given: readonly string[], folder: string): VolumeFlags {
  const result: VolumeFlags = { binds: [], volumes: {} };
  for (const spec of given) {
    const [source = "", destination, ...mode] = spec.split(":");
    if (source === "" || mode.length > 1)
      throw new BadFlagValue(spec, `invalid volume specification: '${spec}': write [source:]destination[:mode]`);
    if (destination === undefined || destination === "") result.volumes[source] = {};
    else result.binds.push([hostPath(source, folder), destination, ...mode].join(":"));
  }
  return result;
}

function hostPath(source: string, folder: string): string {
  return source.startsWith(".") ? resolve(folder, source) : source;
}

/** Reads `--tmpfs /run:size=64m,mode=755`. */
export function readTmpfs(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((one) => {
      const colon = one.indexOf(":");
      return colon === -1 ? [one, ""] : [one.slice(0, colon), one.slice(colon + 1)];
    }),
  );
}

/** Reads `--mount type=bind,source=/a,target=/b,readonly`. Fields are CSV: a value with a comma stands in double quotes. */
export function parseMount(given: string): Mount {
  const mount: Mount = { Type: "volume" };
  for (const field of csvFields(given)) {
    const equals = field.indexOf("=");
    const key = (equals === -1 ? field : field.slice(0, equals)).toLowerCase();
    const value = equals === -1 ? undefined : field.slice(equals + 1);
    applyField(mount, key, value, given);
  }
  if (mount.Target === undefined || mount.Target === "") throw new BadFlagValue(given, "target is required");
  refuseForeignOptions(mount, given);
  return mount;
}

const mountTypes = ["bind", "volume", "tmpfs", "image", "npipe", "cluster"] as const;
const mountTypeOf = (value: string): (typeof mountTypes)[number] | undefined => mountTypes.find((one) => one === value);

function applyField(mount: Mount, key: string, value: string | undefined, given: string): void {
  if (key === "readonly" || key === "ro") {
    mount.ReadOnly = toBool(key, value, given);
    return;
  }
  if (key === "volume-nocopy") {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: toBool(key, value, given) };
    return;
  }
  if (key === "bind-nonrecursive") {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: toBool(key, value, given) };
    return;
  }
  if (value === undefined) throw new BadFlagValue(given, `invalid field '${key}' must be a key=value pair`);
  switch (key) {
    case "type": {
      const type = mountTypeOf(value.toLowerCase());
      if (type === undefined) throw new BadFlagValue(given, `invalid type "${value}": ${mountTypes.join(", ")} are known`);
      mount.Type = type;
      return;
    }
    case "source":
    case "src":
      mount.Source = hostPath(value, process.cwd());
      return;
    case "target":
    case "dst":
    case "destination":
      mount.Target = value;
      return;
    case "consistency":
      mount.Consistency = value;
      return;
    case "bind-propagation":
      mount.BindOptions = { ...mount.BindOptions, Propagation: value };
      return;
    case "bind-recursive":
      mount.BindOptions = { ...mount.BindOptions, ...recursion(value, given) };
      return;
    case "volume-subpath":
      mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
      return;
    case "image-subpath":
      mount.ImageOptions = { Subpath: value };
      return;
    case "volume-driver":
      mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: value } };
      return;
    case "volume-opt": {
      const options = { ...mount.VolumeOptions?.DriverConfig?.Options, ...pair(value) };
      mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Options: options } };
      return;
    }
    case "volume-label":
      mount.VolumeOptions = { ...mount.VolumeOptions, Labels: { ...mount.VolumeOptions?.Labels, ...pair(value) } };
      return;
    case "tmpfs-size":
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: parseBytes(value) };
      return;
    case "tmpfs-mode":
      if (!/^[0-7]+$/.test(value))
        throw new BadFlagValue(given, `invalid value for tmpfs-mode: ${value}: write octal digits such as 1777`);
      mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
      return;
    default:
      throw new BadFlagValue(given, `unknown option '${key}' in '${given}'`);
  }
}

function recursion(value: string, given: string): NonNullable<Mount["BindOptions"]> {
  switch (value) {
    case "enabled":
      return {};
    case "disabled":
      return { NonRecursive: true };
    case "writable":
      return { ReadOnlyNonRecursive: true };
    case "readonly":
      return { ReadOnlyForceRecursive: true };
    default:
      throw new BadFlagValue(
        given,
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

function refuseForeignOptions(mount: Mount, given: string): void {
  const options: [string, unknown, string][] = [
    ["bind", mount.BindOptions, "bind-*"],
    ["volume", mount.VolumeOptions, "volume-*"],
    ["image", mount.ImageOptions, "image-*"],
    ["tmpfs", mount.TmpfsOptions, "tmpfs-*"],
  ];
  for (const [type, present, name] of options) {
    if (present !== undefined && mount.Type !== type)
      throw new BadFlagValue(given, `cannot mix '${name}' options with mount type '${mount.Type}'`);
  }
}

function pair(value: string): Record<string, string> {
  const equals = value.indexOf("=");
  return equals === -1 ? { [value]: "" } : { [value.slice(0, equals)]: value.slice(equals + 1) };
}

function toBool(key: string, value: string | undefined, given: string): boolean {
  if (value === undefined || /^(1|true)$/i.test(value)) return true;
  if (/^(0|false)$/i.test(value)) return false;
  throw new BadFlagValue(given, `invalid value for ${key}: ${value}: true or false`);
}

/** The fields of one CSV line. */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g;
  for (const match of line.matchAll(pattern)) fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
  return fields;
}
