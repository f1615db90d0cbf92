import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  type Dirent,
  type Stats,
} from "node:fs";
import { noAttributes, type EntryKind, type TarEntry } from "../tar/tar-entry.ts";
import { deviceOf } from "./device-number.ts";
import type { FileAttributes } from "./file-attributes.ts";
import { isSystemError } from "./job-failure.ts";
import { endsWithSlash, joinPath } from "./paths.ts";

/** An entry found in a tree; a file with content is open while it is the current one. */
export interface FoundEntry {
  entry: TarEntry;
  fd?: number;
}

interface Folder {
  path: Buffer;
  name: Buffer;
  /** What is still to be visited in it, last first. Names are Latin-1 text of their bytes. */
  names: Dirent[];
}

const slash = Buffer.from("/");
const nothing = Buffer.alloc(0);

/**
 * Everything at and below a path, each folder before what is in it, names in the order of their bytes. Entries are called `name`
 * and what hangs below it; an empty name leaves out the path itself. Whatever is replaced meanwhile, only what was opened is
 * read: nothing waits for a FIFO or follows a link. What goes away meanwhile is left out, sockets always, and what `isWanted`
 * does not want, with all below it.
 */
export function* readTree(
  path: Buffer,
  name: Buffer,
  attributes: FileAttributes,
  isWanted: (name: Buffer) => boolean = () => true,
): Generator<FoundEntry> {
  const linked = new Map<string, Buffer>();
  const stack: Folder[] = [];
  const visit = function* (path: Buffer, name: Buffer, isFile: boolean): Generator<FoundEntry> {
    const stats = isFile ? undefined : lstatOrUndefined(path);
    if (isFile || stats?.isFile()) {
      yield* openedFile(path, name, linked, attributes);
      return;
    }
    if (stats === undefined) return;
    const kind = kindOf(stats);
    if (kind === undefined) return;
    if (kind === "folder") {
      stack.push({ path, name, names: namesIn(path) });
      if (name.length === 0) return;
    }
    const linkName = kind === "symbolicLink" ? linkTarget(path) : nothing;
    if (linkName === undefined) return;
    yield {
      entry: {
        ...entryOf(stats, kind, kind === "folder" && !endsWithSlash(name) ? Buffer.concat([name, slash]) : name),
        linkName,
        attributes: kind === "symbolicLink" ? noAttributes : attributes.read(path),
      },
    };
  };
  yield* visit(path, name, false);
  for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
    const child = folder.names.pop();
    if (child === undefined) {
      stack.pop();
      continue;
    }
    const bytes = Buffer.from(child.name, "latin1");
    const childName = joinPath(folder.name, bytes);
    if (isWanted(childName)) yield* visit(joinPath(folder.path, bytes), childName, child.isFile());
  }
}

/** Its descriptor says what it is: a path may name something else by now. */
function* openedFile(path: Buffer, name: Buffer, linked: Map<string, Buffer>, attributes: FileAttributes): Generator<FoundEntry> {
  const fd = openOrUndefined(path);
  if (fd === undefined) return;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return;
    const entry = entryOf(stats, "file", name);
    if (stats.nlink > 1) {
      const first = firstNameOf(fd, name, linked);
      if (first !== name) {
        yield { entry: { ...entry, kind: "hardLink", size: 0, linkName: first } };
        return;
      }
    }
    yield { entry: { ...entry, attributes: attributes.read(fd) }, fd };
  } finally {
    closeSync(fd);
  }
}

/** Numbers of inodes are told apart in all their bits: an overlay uses the upper ones. */
function firstNameOf(fd: number, name: Buffer, linked: Map<string, Buffer>): Buffer {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const key = `${dev}:${ino}`;
  const first = linked.get(key);
  if (first === undefined) linked.set(key, name);
  return first ?? name;
}

const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

function openOrUndefined(path: Buffer): number | undefined {
  return unlessGone(() => openSync(path, openFlags));
}

function lstatOrUndefined(path: Buffer): Stats | undefined {
  return unlessGone(() => lstatSync(path, { throwIfNoEntry: false }));
}

function linkTarget(path: Buffer): Buffer | undefined {
  return unlessGone(() => readlinkSync(path, "buffer"));
}

function namesIn(path: Buffer): Dirent[] {
  const names = unlessGone(() => readdirSync(path, { encoding: "latin1", withFileTypes: true })) ?? [];
  return names.sort((one, other) => (one.name < other.name ? 1 : -1));
}

/** What cannot be read is left out, as Docker does: it was replaced or removed, or its file system gives errors. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

function kindOf(stats: Stats): EntryKind | undefined {
  if (stats.isDirectory()) return "folder";
  if (stats.isSymbolicLink()) return "symbolicLink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isCharacterDevice()) return "characterDevice";
  if (stats.isBlockDevice()) return "blockDevice";
  return undefined;
}

function entryOf(stats: Stats, kind: EntryKind, name: Buffer): TarEntry {
  const seconds = Math.floor(stats.mtimeMs / 1000);
  const isDevice = kind === "characterDevice" || kind === "blockDevice";
  return {
    kind,
    name,
    linkName: nothing,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    size: kind === "file" ? stats.size : 0,
    modified: { seconds, nanoseconds: Math.floor((stats.mtimeMs - seconds * 1000) * 1e6) },
    device: isDevice ? deviceOf(stats.rdev) : { major: 0, minor: 0 },
    attributes: noAttributes,
  };
}
