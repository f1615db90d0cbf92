import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";

/**
 * Looks at files of a container as a process inside would see them, while that process does with them what it likes: every
 * link is followed below the container's root, nothing is opened but folders and regular files, and no more than a limit is
 * read. No path of more than one name goes to the kernel: from a descriptor of the root each step opens one name below the
 * last one, without following it, so that an exchange between two steps leads to another file of the container at most.
 */
export interface RootfsReader {
  /** Content of a regular file of at most 1 MiB, or undefined when there is none. */
  readFile(path: string): string | undefined;
  /** Descriptor (`O_PATH`) of what `path` means inside, or undefined when it does not exist; the caller closes it. */
  open(path: string): number | undefined;
  /** What stands at each of these paths, links on the way and at its end not followed; nothing where there is nothing. */
  kinds(paths: readonly string[]): ReadonlyMap<string, FileKind>;
  /** Absolute path on the host of what `path` means inside, or undefined when it does not exist. */
  resolve(path: string): string | undefined;
}

export type FileKind = "folder" | "file" | "link" | "special";

/** Whether a folder of a layer, given by a path of its descriptor, hides what lower layers have in its place. */
export type IsOpaque = (path: string) => boolean;

/** What a name stands for: an entry of one layer, or a folder of several that overlayfs shows as one. */
interface Found {
  /** One, or for a folder one of each layer that has it, the uppermost first. */
  entries: [Entry, ...Entry[]];
  stats: Stats;
}

interface Entry {
  layer: number;
  descriptor: number;
}

/** Linux' number; Node does not name it: the descriptor is of the file, which is not opened. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const maxLinks = 40;
const maxFileBytes = 1024 * 1024;
/** A path of a container may name thousands of folders, in as many layers as its image has. */
const maxDescriptors = 2048;

/**
 * A reader over one directory, or over several stacked ones (an overlay's upper, then its lowers) without mounting them.
 * `isOpaque` is needed where there is more than one. The layers must be on disks of this machine: reading is synchronous.
 */
export function rootfsReader(layers: string | readonly string[], isOpaque: IsOpaque = () => false): RootfsReader {
  const stack = typeof layers === "string" ? [layers] : layers;
  return {
    resolve(path) {
      using walk = new Walk(stack, isOpaque);
      return walk.to(path)?.host;
    },
    open(path) {
      using walk = new Walk(stack, isOpaque);
      const found = walk.to(path)?.found;
      return found && walk.keep(found.entries[0]);
    },
    kinds(paths) {
      using walk = new Walk(stack, isOpaque);
      const found = paths.flatMap((path): [string, FileKind][] => {
        const stats = walk.to(path, { follow: false })?.found.stats;
        return stats ? [[path, kindOf(stats)]] : [];
      });
      return new Map(found);
    },
    readFile(path) {
      using walk = new Walk(stack, isOpaque);
      const found = walk.to(path)?.found;
      if (!found?.stats.isFile() || found.stats.size > maxFileBytes) return undefined;
      return walk.read(found.entries[0], maxFileBytes);
    },
  };
}

/** Ways through the folders, and the descriptors they hold until it is disposed of. What was looked up once stays what it was. */
class Walk implements Disposable {
  readonly #stack: readonly string[];
  readonly #isOpaque: IsOpaque;
  readonly #descriptors: number[] = [];
  readonly #names = new Map<Found, Map<string, Found | undefined>>();
  #start: Found | undefined;

  constructor(stack: readonly string[], isOpaque: IsOpaque) {
    this.#stack = stack;
    this.#isOpaque = isOpaque;
  }

  /** What `path` means inside and where the host has it, or undefined when it does not exist. */
  to(path: string, { follow }: { follow: boolean } = { follow: true }): { host: string; found: Found } | undefined {
    const root = (this.#start ??= this.#root());
    if (!root) return undefined;
    // The next name is the last one.
    const pending = segments(path).reverse();
    let folders = [root];
    let names: string[] = [];
    let links = 0;
    for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
      if (segment === ".") continue;
      if (segment === "..") {
        // The parent is the folder we came from, wherever the container has moved this one since.
        if (folders.length > 1) folders.pop();
        names.pop();
        continue;
      }
      const folder = folders.at(-1) ?? root;
      const found = this.#known(folder, segment);
      if (!found) return undefined;
      if (follow && found.stats.isSymbolicLink()) {
        const target = ++links > maxLinks ? undefined : readLink(found, folder, segment);
        if (target === undefined) return undefined;
        if (target.startsWith("/")) {
          folders = [root];
          names = [];
        }
        pending.push(...segments(target).reverse());
        continue;
      }
      folders.push(found);
      names.push(segment);
    }
    const found = folders.at(-1) ?? root;
    return { host: join(this.#stack[found.entries[0].layer] ?? "", ...names), found };
  }

  /** Content of a regular file, or undefined when it is longer than `limit` by now. */
  read({ descriptor }: Entry, limit: number): string | undefined {
    // Of the very file that was looked at: not even a device or a FIFO of the same name would be opened in its place.
    const file = this.#open(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (file === undefined) return undefined;
    const content = Buffer.allocUnsafe(Math.min(fstatSync(file).size, limit) + 1);
    let length = 0;
    while (length < content.length) {
      const read = readSync(file, content, length, content.length - length, null);
      if (read === 0) return content.toString("utf8", 0, length);
      length += read;
    }
    return undefined;
  }

  /** The entry's descriptor, which is the caller's from now on. */
  keep({ descriptor }: Entry): number {
    this.#descriptors.splice(this.#descriptors.indexOf(descriptor), 1);
    return descriptor;
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
  }

  #root(): Found | undefined {
    const entries = this.#stack.flatMap((path, layer): Entry[] => {
      const descriptor = this.#open(path, O_PATH | constants.O_DIRECTORY);
      return descriptor === undefined ? [] : [{ layer, descriptor }];
    });
    const [first, ...lower] = entries;
    return first && { entries: [first, ...lower], stats: fstatSync(first.descriptor) };
  }

  #known(folder: Found, name: string): Found | undefined {
    const names = this.#names.get(folder) ?? new Map<string, Found | undefined>();
    if (!names.has(name)) this.#names.set(folder, names.set(name, this.#below(folder, name)));
    return names.get(name);
  }

  /** The entry of that name by overlayfs' rules: a whiteout hides what lies below, so does whatever is no folder. */
  #below(folder: Found, name: string): Found | undefined {
    let found: Found | undefined;
    for (const { layer, descriptor: parent } of folder.entries) {
      const descriptor = this.#open(`/proc/self/fd/${parent}/${name}`, O_PATH | constants.O_NOFOLLOW);
      if (descriptor === undefined) continue;
      const stats = fstatSync(descriptor);
      if (isWhiteout(stats) || (found && !stats.isDirectory())) break;
      if (found) found.entries.push({ layer, descriptor });
      else found = { entries: [{ layer, descriptor }], stats };
      if (!stats.isDirectory() || this.#isOpaque(`/proc/self/fd/${descriptor}/.`)) break;
    }
    return found;
  }

  /** A descriptor that is closed with the walk, or undefined when there is nothing of that name. */
  #open(path: string, flags: number): number | undefined {
    if (this.#descriptors.length === maxDescriptors) return undefined;
    try {
      const descriptor = openSync(path, flags | O_CLOEXEC);
      this.#descriptors.push(descriptor);
      return descriptor;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
}

/** Target of a link; undefined when there is another kind of file in its place by now. */
function readLink({ entries }: Found, folder: Found, name: string): string | undefined {
  const parent = folder.entries.find(({ layer }) => layer === entries[0].layer);
  try {
    return parent && readlinkSync(`/proc/self/fd/${parent.descriptor}/${name}`);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** No such file, no folder on the way to it, no link any more, or a name no file can have. */
const absent = new Set(["ENOENT", "ENOTDIR", "EINVAL", "ENAMETOOLONG", "ELOOP", "ERR_INVALID_ARG_VALUE"]);

const isAbsent = (error: unknown): boolean => error instanceof Error && "code" in error && absent.has(String(error.code));

function kindOf(stats: Stats): FileKind {
  if (stats.isDirectory()) return "folder";
  if (stats.isFile()) return "file";
  return stats.isSymbolicLink() ? "link" : "special";
}

const isWhiteout = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;

function segments(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

/** Names in a directory of the host, empty when it does not exist. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
