import { makeFoldersSync } from "@pouchcontainer/owners";
import { linux, type Libc } from "@pouchcontainer/linux";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { posix } from "node:path";
import { noAttributes, type FileTime, type TarEntry } from "../tar/tar-entry.ts";
import { TarError } from "../tar/tar-error.ts";
import { deviceNumber } from "./device-number.ts";
import type { FileAttributes } from "./file-attributes.ts";
import { codeOf } from "./job-failure.ts";
import { absolutePath, cString, isAbsolute, isParent, joinPath, namesOf } from "./paths.ts";
import { removeTree } from "./remove-tree.ts";

/** More of the current entry's content; empty at its end. */
export type Content = () => Buffer;

export interface TreeWriterOptions {
  noOverwriteDirNonDir: boolean;
  /** Everything gets this owner instead of the entry's. */
  owner?: { uid: number; gid: number };
  /** Whether an entry `.` gives its owner, mode and time to the folder everything is put into; default: no, as in Docker. */
  describesRoot?: boolean;
}

/** Whoever writes at the same place at the same time, the container or another copy, may be quicker, but not for ever. */
const maxAttempts = 100;

/**
 * Puts entries below a folder of this process's root. A new file is made by this process alone (`O_EXCL`) and changed only
 * through its descriptor, its owner before its mode, its attributes in between: it is never setuid for anybody but its owner,
 * and nobody can put another file in its place. Folders get their times and attributes at the end, when nothing is put into them
 * any more.
 */
export class TreeWriter {
  readonly #libc: Libc;
  readonly #attributes: FileAttributes;
  readonly #base: Buffer;
  readonly #options: TreeWriterOptions;
  readonly #folders: { path: Buffer; entry: TarEntry }[] = [];

  constructor(libc: Libc, attributes: FileAttributes, base: Buffer, options: TreeWriterOptions) {
    this.#libc = libc;
    this.#attributes = attributes;
    this.#base = base;
    this.#options = options;
  }

  put(entry: TarEntry, content: Content): void {
    const names = this.#namesBelow(entry.name, (name) => new TarError(`"${name}" is outside of "${this.#base.toString()}"`));
    if (names.length === 0) {
      if (this.#options.describesRoot && entry.kind === "folder") this.#folder(this.#base, entry);
      return;
    }
    const path = joinPath(this.#base, absolutePath(names).subarray(1));
    this.#make(path, names, entry, content);
  }

  /** Times of folders, which putting something into them changes. */
  finish(): void {
    for (const { path, entry } of this.#folders) {
      this.#attributes.write(path, entry.attributes);
      this.#setTime(path, entry.modified);
    }
  }

  /** As Go's `filepath.Clean`: `..` takes a name away; what is above the beginning is refused, or ignored in an absolute name. */
  #namesBelow(name: Buffer, refusal: (name: string) => Error): Buffer[] {
    const names: Buffer[] = [];
    for (const part of namesOf(name)) {
      if (!isParent(part)) names.push(part);
      else if (names.pop() === undefined && !isAbsolute(name)) throw refusal(name.toString());
    }
    return names;
  }

  #make(path: Buffer, names: readonly Buffer[], entry: TarEntry, content: Content): void {
    // What is usual is tried first: the folder is there, and the name is free. Nothing of the content is read before it is made.
    for (let attempt = 1; ; attempt++) {
      try {
        this.#create(path, entry, content);
        return;
      } catch (error) {
        if (attempt === maxAttempts) throw error;
        if (codeOf(error) === "ENOENT") this.#makeParents(names);
        else if (codeOf(error) === "EEXIST") {
          if (this.#clear(path, entry)) {
            this.#folder(path, entry);
            return;
          }
        } else throw error;
      }
    }
  }

  /** Folders the archive does not mention but has entries in. */
  #makeParents(names: readonly Buffer[]): void {
    const parent = joinPath(this.#base, absolutePath(names.slice(0, -1)).subarray(1));
    if (lstatSync(parent, { throwIfNoEntry: false }) === undefined) makeFoldersSync(parent, 0o755);
  }

  /** Takes away what is in the way; true when a folder is there for a folder. */
  #clear(path: Buffer, entry: TarEntry): boolean {
    const there = lstatSync(path, { throwIfNoEntry: false });
    const isFolder = entry.kind === "folder";
    if (there?.isDirectory() && isFolder) return true;
    if (there && this.#options.noOverwriteDirNonDir) {
      const base = this.#base.toString();
      if (there.isDirectory()) throw new TarError(`cannot overwrite directory "${path.toString()}" with non-directory "${base}"`);
      if (isFolder) throw new TarError(`cannot overwrite non-directory "${path.toString()}" with directory "${base}"`);
    }
    removeTree(this.#libc, path);
    return false;
  }

  #create(path: Buffer, entry: TarEntry, content: Content): void {
    switch (entry.kind) {
      case "file":
        this.#file(path, entry, content);
        return;
      case "folder":
        mkdirSync(path, entry.mode & 0o777);
        this.#folder(path, entry);
        return;
      case "hardLink":
        this.#hardLink(path, entry);
        return;
      case "symbolicLink":
        symlinkSync(entry.linkName, path);
        break;
      case "fifo":
        this.#node(path, constants.S_IFIFO, entry);
        break;
      case "characterDevice":
        this.#node(path, constants.S_IFCHR, entry);
        break;
      case "blockDevice":
        this.#node(path, constants.S_IFBLK, entry);
        break;
    }
    const { uid, gid } = this.#ownerOf(entry);
    lchownSync(path, uid, gid);
    this.#attributes.write(path, entry.attributes);
    this.#setTime(path, entry.modified);
  }

  #file(path: Buffer, entry: TarEntry, content: Content): void {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(path, flags, entry.mode & 0o777);
    try {
      writeContent(fd, entry, content);
      this.#describe(fd, entry, entry.attributes);
      this.#setTime(fd, entry.modified);
    } finally {
      closeSync(fd);
    }
  }

  #folder(path: Buffer, entry: TarEntry): void {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      this.#describe(fd, entry, noAttributes);
    } finally {
      closeSync(fd);
    }
    this.#folders.push({ path, entry });
  }

  /** Owner, attributes and mode, in this order. What is right already is left: each change is one to the file system's journal. */
  #describe(fd: number, entry: TarEntry, attributes: TarEntry["attributes"]): void {
    const there = fstatSync(fd);
    const { uid, gid } = this.#ownerOf(entry);
    const isTheirs = there.uid === uid && there.gid === gid;
    if (!isTheirs) fchownSync(fd, uid, gid);
    this.#attributes.write(fd, attributes);
    if (!isTheirs || attributes.size > 0 || (there.mode & 0o7777) !== entry.mode) fchmodSync(fd, entry.mode);
  }

  #ownerOf({ uid, gid }: TarEntry): { uid: number; gid: number } {
    return this.#options.owner ?? { uid, gid };
  }

  /** It has its mode from the beginning: a path could name something else when it is changed by it. */
  #node(path: Buffer, type: number, entry: TarEntry): void {
    this.#libc.call("mknod", cString(path), type | (entry.mode & 0o1777), deviceNumber(entry.device));
  }

  /** Its name, like every entry's, is below the folder everything is put into. */
  #hardLink(path: Buffer, entry: TarEntry): void {
    const refusal = (name: string): Error =>
      new TarError(`invalid hardlink "${posix.join(this.#base.toString(), name)}" -> "${name}"`);
    const names = this.#namesBelow(entry.linkName, refusal);
    linkSync(joinPath(this.#base, absolutePath(names).subarray(1)), path);
  }

  #setTime(file: number | Buffer, time: FileTime): void {
    // Node takes a time before 1970 for none, and has no nanoseconds.
    if (typeof file === "number" && time.nanoseconds === 0 && time.seconds >= 0) {
      futimesSync(file, time.seconds, time.seconds);
      return;
    }
    const times = timesBuffer(time);
    if (typeof file === "number") this.#libc.call("futimens", file, times);
    else this.#libc.attempt("utimensat", linux.AT_FDCWD, cString(file), times, linux.AT_SYMLINK_NOFOLLOW);
  }
}

/** Two `struct timespec`: last access and last change. */
function timesBuffer({ seconds, nanoseconds }: FileTime): Buffer {
  const times = Buffer.allocUnsafe(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt(seconds), at);
    times.writeBigInt64LE(BigInt(nanoseconds), at + 8);
  }
  return times;
}

function writeContent(fd: number, entry: TarEntry, content: Content): void {
  if (entry.sparse) {
    writeSparse(fd, entry.sparse, content);
    return;
  }
  for (let chunk = content(); chunk.length > 0; chunk = content()) writeWhole(fd, chunk, null);
}

/** Holes stay holes. */
function writeSparse(fd: number, { length, extents }: NonNullable<TarEntry["sparse"]>, content: Content): void {
  ftruncateSync(fd, length);
  let chunk: Buffer = Buffer.alloc(0);
  for (const extent of extents) {
    let { offset } = extent;
    for (let left = extent.length; left > 0;) {
      if (chunk.length === 0) chunk = content();
      const piece = chunk.subarray(0, left);
      writeWhole(fd, piece, offset);
      chunk = chunk.subarray(piece.length);
      offset += piece.length;
      left -= piece.length;
    }
  }
}

function writeWhole(fd: number, bytes: Buffer, position: number | null): void {
  for (let at = 0; at < bytes.length;)
    at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
}
