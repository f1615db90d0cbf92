import { type Stats, lstatSync, readFileSync, readlinkSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Looks at files of a container as a process inside would see them: every link is followed below the container's root, so
 * an image cannot make the daemon read a file of the host.
 */
export interface RootfsReader {
  /** Content of a file (at most 1 MiB of it), or undefined when there is none. */
  readFile(path: string): string | undefined;
  /** Absolute path on the host of what `path` means inside, or undefined when it does not exist. */
  resolve(path: string): string | undefined;
}

interface Found {
  host: string;
  stats: Stats;
}

const maxLinks = 40;
const maxFileBytes = 1024 * 1024;

/** Whether a folder of a layer hides what lower layers have in its place. */
export type IsOpaque = (path: string) => boolean;

/**
 * A reader over one directory, or over several stacked ones (an overlay's upper, then its lowers) without mounting them.
 * `isOpaque` is needed where there is more than one.
 */
export function rootfsReader(layers: string | readonly string[], isOpaque: IsOpaque = () => false): RootfsReader {
  const stack = typeof layers === "string" ? [layers] : layers;
  const lookup = (path: readonly string[]): Found | undefined => lookUp(stack, path, isOpaque);

  const resolve = (path: string): string | undefined => {
    const pending = segments(path);
    const walked: string[] = [];
    let links = 0;
    let host: string | undefined = lookup(walked)?.host;
    while (pending.length > 0) {
      const segment = pending.shift();
      if (segment === undefined || segment === ".") continue;
      if (segment === "..") {
        walked.pop();
        host = lookup(walked)?.host;
        continue;
      }
      const found = lookup([...walked, segment]);
      if (found === undefined) return undefined;
      if (found.stats.isSymbolicLink()) {
        if (++links > maxLinks) return undefined;
        const target = readlinkSync(found.host);
        if (target.startsWith("/")) walked.length = 0;
        pending.unshift(...segments(target));
        continue;
      }
      walked.push(segment);
      host = found.host;
    }
    return host;
  };

  return {
    resolve,
    readFile(path) {
      const host = resolve(path);
      if (host === undefined) return undefined;
      const stats = lstatSync(host, { throwIfNoEntry: false });
      if (stats === undefined || !stats.isFile() || stats.size > maxFileBytes) return undefined;
      return readFileSync(host, "utf8");
    },
  };
}

function segments(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

/** The uppermost layer's entry at this path, by overlayfs' rules: a whiteout hides what lies below, so does a non-directory above. */
function lookUp(stack: readonly string[], path: readonly string[], isOpaque: IsOpaque): Found | undefined {
  for (const layer of stack) {
    const host = join(layer, ...path);
    const stats = lstatOrUndefined(host);
    if (stats !== undefined) return isWhiteout(stats) ? undefined : { host, stats };
    if (hidesBelow(layer, path, isOpaque)) return undefined;
  }
  return undefined;
}

function lstatOrUndefined(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // A parent that is a file (ENOTDIR), or a name too long to exist.
    return undefined;
  }
}

const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;

/** Whether a parent of `path` in this layer ends the search: whited out, not a directory, or made anew in this layer. */
function hidesBelow(layer: string, path: readonly string[], isOpaque: IsOpaque): boolean {
  for (let depth = 1; depth < path.length; depth++) {
    const parent = join(layer, ...path.slice(0, depth));
    const stats = lstatOrUndefined(parent);
    if (stats === undefined) return false;
    if (!stats.isDirectory() || isOpaque(parent)) return true;
  }
  return false;
}

/** Names in a directory of the host, empty when it does not exist. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
