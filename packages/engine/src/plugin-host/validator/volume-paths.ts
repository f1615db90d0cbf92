import type { VolumeCreateConfig } from "@pouchcontainer/api";

/** Mount options that name folders or files of the host; an overlay's `+` form adds one. */
const pathOptions = new Set(["lowerdir", "upperdir", "workdir", "datadir", "loop", "device", "journal_path"]);
/** Types whose device is only a name, and options that make it a folder of the host all the same. */
const namelessTypes = new Set(["tmpfs", "ramfs", "overlay"]);
const bindOptions = new Set(["bind", "rbind", "move", "rmove"]);

/**
 * Host paths that a volume's options mount, relative ones as well: its device, whatever its type, and what its options name. Where it is not
 * sure how the file system reads an option, in each way that it may.
 */
export function mountedByVolume({ DriverOpts }: VolumeCreateConfig): string[] {
  const { type = "", device = "", o = "" } = DriverOpts ?? {};
  // A comma may be escaped for the kernel, and is then one for mount(8).
  const options = [...split(o, ","), ...o.split(",")];
  const isBound = options.some((option) => bindOptions.has(option.trim()));
  const isName = namelessTypes.has(type) && !isBound && !device.includes("/");
  const named = options.flatMap((option) => {
    const at = option.indexOf("=");
    return at === -1 ? readings(option).filter(isPath) : pathsIn(option.slice(0, at).trim(), option.slice(at + 1));
  });
  return [...new Set([...(isName ? [] : [device]), ...named].filter((path) => path !== ""))];
}

function pathsIn(name: string, value: string): string[] {
  const isKnown = pathOptions.has(name.replace(/\+$/, ""));
  return [value, ...split(value, ":"), ...value.split(":")].flatMap(readings).filter((path) => isKnown || isPath(path));
}

function isPath(text: string): boolean {
  return text.includes("/");
}

/** As it is written, and as overlay reads it: after a backslash, whatever it is, each character is itself. */
function readings(text: string): string[] {
  const unquoted = text.replaceAll('"', "");
  return [text, ...[text, unquoted].map((one) => one.replaceAll(/\\(.)/gs, "$1"))];
}

/** Parts between separators that no backslash is before. */
function split(text: string, separator: "," | ":"): string[] {
  return text.match(separator === "," ? /(?:\\.|[^,])+/gs : /(?:\\.|[^:])+/gs) ?? [];
}
