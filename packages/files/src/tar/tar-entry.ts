/** What an entry of a tar is, as far as a file system has it. */
export type EntryKind = "file" | "folder" | "hardLink" | "symbolicLink" | "fifo" | "characterDevice" | "blockDevice";

/** A time as the kernel keeps it; `nanoseconds` counts from `seconds` upwards, also before 1970. */
export interface FileTime {
  seconds: number;
  nanoseconds: number;
}

/** A piece of a sparse file that is not a hole. */
export interface Extent {
  offset: number;
  length: number;
}

/** One entry of a tar. Names are bytes: the kernel allows any but `/` and NUL, and two names may differ in bytes UTF-8 has no text for. */
export interface TarEntry {
  kind: EntryKind;
  name: Buffer;
  /** Of a hard link: another entry's name; of a symbolic link: what it says. Empty otherwise. */
  linkName: Buffer;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content the archive holds for it; 0 for everything but files. */
  size: number;
  modified: FileTime;
  device: { major: number; minor: number };
  /** Extended attributes, each name as Latin-1 text of its bytes. */
  attributes: ReadonlyMap<string, Buffer>;
  /** Where in a file of `length` bytes the `size` bytes of content belong; the rest are holes. */
  sparse?: { length: number; extents: readonly Extent[] };
}

export const noAttributes: ReadonlyMap<string, Buffer> = new Map();
