import type { Mount } from "@pouchcontainer/api";
import { EngineError, invalidArgument, notImplemented } from "@pouchcontainer/errors";
import { posix } from "node:path";
import { tmpfsOptions, tmpfsText } from "../spec/mount-options.ts";

/** A mount a request asks for, checked, before volumes are made. */
export interface MountRequest {
  type: "bind" | "volume" | "tmpfs";
  /** Host path of a bind, name of a volume (empty: anonymous), empty for tmpfs. */
  source: string;
  destination: string;
  mode: string;
  rw: boolean;
  propagation: string;
  copyData: boolean;
  spec: Mount;
  /** `-v` makes a missing source folder; `--mount` does not unless told to. */
  createSource: boolean;
  /** Comes from the configuration's `Volumes` (an image's VOLUME), not from a mount somebody asked for. */
  fromImage: boolean;
}

const mountTypes = new Set(["bind", "volume", "tmpfs", "image"]);
const propagations = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
const modeGroups: ReadonlySet<string>[] = [
  new Set(["ro", "rw"]),
  new Set(["z", "Z"]),
  propagations,
  new Set(["copy", "nocopy"]),
  new Set(["consistent", "cached", "delegated"]),
];

const invalidSpec = (raw: string): EngineError => invalidArgument(`invalid volume specification: '${raw}'`);

/** One `-v`: `/container/path`, `source:/container/path` or `source:/container/path:mode`. */
export function parseBind(raw: string, volumeDriver: string): MountRequest {
  const parts = raw.split(":");
  if (parts.length > 3 || parts[0] === "") throw invalidSpec(raw);
  const [first = "", second = "", mode = ""] = parts;
  if (parts.length === 2 && isMode(second)) throw invalidSpec(raw);
  if (!isMode(mode) && mode !== "") throw invalidArgument(`invalid mode: ${mode}`);

  const source = parts.length === 1 ? "" : first;
  const words = new Set(mode.split(","));
  const propagation = [...propagations].find((word) => words.has(word));
  const type = source.startsWith("/") ? "bind" : "volume";
  const spec: Mount = {
    Type: type,
    Source: source,
    Target: parts.length === 1 ? first : second,
    ReadOnly: words.has("ro"),
    ...((type === "volume" && volumeDriver !== "") || words.has("nocopy") || words.has("copy")
      ? {
          VolumeOptions: {
            NoCopy: words.has("nocopy"),
            ...(volumeDriver === "" ? {} : { DriverConfig: { Name: volumeDriver } }),
          },
        }
      : {}),
    ...(propagation === undefined ? {} : { BindOptions: { Propagation: propagation } }),
  };
  try {
    verifyMount(spec, { sourceExists: () => true });
  } catch (cause) {
    throw invalidArgument(`${invalidSpec(raw).message}: ${EngineError.from(cause).message}`, { cause });
  }
  return { ...requestOf(spec), mode, createSource: true, fromImage: false };
}

/** Whether dockerd takes this as the mode of a bind: words of different groups, at most one of each. */
function isMode(text: string): boolean {
  const words = text.split(",");
  return (
    words.every((word) => modeGroups.some((group) => group.has(word))) &&
    modeGroups.every((group) => words.filter((word) => group.has(word)).length <= 1)
  );
}

/** Whether a mode of `--volumes-from` or a bind allows writing. */
export function modeAllowsWriting(mode: string): boolean {
  if (mode !== "" && !isMode(mode)) throw invalidArgument(`invalid mode: ${mode}`);
  return !mode.split(",").includes("ro");
}

/** One entry of `HostConfig.Mounts`. */
export function parseMount(mount: Mount, host: { sourceExists(path: string): boolean }): MountRequest {
  verifyMount(mount, host);
  return { ...requestOf(mount), mode: "", createSource: mount.BindOptions?.CreateMountpoint ?? false, fromImage: false };
}

function requestOf(spec: Mount): Omit<MountRequest, "mode" | "createSource" | "fromImage"> {
  // verifyMount has left these three types only.
  const type = spec.Type as MountRequest["type"];
  const source = spec.Source ?? "";
  return {
    type,
    source: type === "bind" ? clean(source) : source,
    destination: clean(spec.Target ?? ""),
    rw: !spec.ReadOnly,
    propagation: type === "bind" ? spec.BindOptions?.Propagation || "rprivate" : "",
    copyData: type === "volume" && !spec.VolumeOptions?.NoCopy && !spec.VolumeOptions?.Subpath,
    spec,
  };
}

/** A path without its trailing slash, dots and doubled slashes, as Go's `filepath.Clean` leaves it. */
export function clean(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, "$1");
}

function verifyMount(mount: Mount, host: { sourceExists(path: string): boolean }): void {
  const type = mount.Type ?? "";
  const invalid = (text: string): EngineError => invalidArgument(`invalid mount config for type "${type}": ${text}`);
  const absolute = (path: string): void => {
    if (!path.startsWith("/")) throw invalid(`invalid mount path: '${path}' mount path must be absolute`);
  };
  const refuseExtra = (field: "BindOptions" | "VolumeOptions" | "TmpfsOptions" | "Source"): void => {
    if (mount[field] !== undefined && mount[field] !== "") throw invalid(`field ${field} must not be specified`);
  };

  if (!mountTypes.has(type)) throw invalid("mount type unknown");
  for (const path of [mount.Source, mount.Target])
    if (path?.includes("\0")) throw invalid(`invalid mount path: ${JSON.stringify(path)} must not contain a NUL`);
  const target = mount.Target ?? "";
  if (target === "") throw invalid("field Target must not be empty");
  if (clean(target) === "/") throw invalid("invalid specification: destination can't be '/'");
  absolute(target);

  switch (type) {
    case "bind": {
      const source = mount.Source ?? "";
      if (source === "") throw invalid("field Source must not be empty");
      const propagation = mount.BindOptions?.Propagation ?? "";
      if (propagation !== "" && !propagations.has(propagation)) throw invalid(`invalid propagation mode: ${propagation}`);
      refuseExtra("VolumeOptions");
      refuseExtra("TmpfsOptions");
      absolute(source);
      if (mount.BindOptions?.ReadOnlyForceRecursive && (!mount.ReadOnly || mount.BindOptions.NonRecursive))
        throw invalid("ReadOnlyForceRecursive needs a read-only, recursive bind");
      if (!mount.BindOptions?.CreateMountpoint && !host.sourceExists(source))
        throw invalid(`bind source path does not exist: ${source}`);
      return;
    }
    case "volume":
      refuseExtra("BindOptions");
      refuseExtra("TmpfsOptions");
      if (!mount.Source && mount.ReadOnly) throw invalid("must not set ReadOnly mode when using anonymous volumes");
      verifySubpath(mount, invalid);
      return;
    case "tmpfs":
      refuseExtra("BindOptions");
      refuseExtra("Source");
      tmpfsOptions(tmpfsText(mount.TmpfsOptions, mount.ReadOnly ?? false));
      return;
    case "image":
      throw notImplemented('mounts of type "image" are not supported');
    default:
      throw invalid("mount type unknown");
  }
}

function verifySubpath(mount: Mount, invalid: (text: string) => EngineError): void {
  const subpath = mount.VolumeOptions?.Subpath ?? "";
  if (subpath === "") return;
  if (!mount.Source) throw invalid("must not set Subpath when using anonymous volumes");
  if (subpath.startsWith("/") || clean(subpath).startsWith(".."))
    throw invalid("subpath must be a relative path within the volume");
}
