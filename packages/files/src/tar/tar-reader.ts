import type { ByteSource } from "./byte-source.ts";
import {
  blockBytes,
  field,
  isZero,
  kindOf,
  nameIn,
  numberOf,
  paddingOf,
  slash,
  textOf,
  upToNul,
  verified,
  withoutNul,
  type Field,
} from "./header-fields.ts";
import { decimal, parsePaxRecords, type PaxRecords } from "./pax-records.ts";
import { oldGnuSparseMap, paxSparseMap, type SparseMap } from "./sparse-map.ts";
import { noAttributes, type EntryKind, type FileTime, type TarEntry } from "./tar-entry.ts";
import { invalidHeader, TarError, unexpectedEnd } from "./tar-error.ts";

/** A header that describes another entry is at most this big, as in Go. */
const maxDescribingBytes = 1 << 20;
/** What holds for every entry, keys and values, is at most this much: a comment, owners. It costs time with each of them. */
const maxGlobalBytes = 64 << 10;
/** One below the number that `chown` takes for "leave it": a file must not keep root as its owner by it. */
const maxOwner = 2 ** 32 - 2;

/** What headers before an entry say of it. */
interface Description {
  longName?: Buffer;
  longLinkName?: Buffer;
  records: PaxRecords;
}

/**
 * Reads a tar: ustar, the old GNU format with its long names, big numbers and sparse files, PAX with its own and its three
 * sparse formats, and the format before all of them. Every header's checksum is checked, every number bounded; a hostile
 * archive costs at most 1 MiB of memory beside its source's buffer (16 MiB for a sparse map).
 */
export class TarReader {
  readonly #source: ByteSource;
  /** What holds for every entry, by key: the last one said. */
  readonly #globals = new Map<string, Buffer>();
  #globalBytes = 0;
  /** Content of the current entry that was not taken yet, and what fills its last block. */
  #left = 0;
  #padding = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The next entry, or undefined at the end. What was not taken of the last one's content is passed over. */
  next(): TarEntry | undefined {
    this.#passOver();
    const about: Description = { records: [] };
    for (;;) {
      const header = this.#header();
      if (header === undefined) return undefined;
      const type = String.fromCharCode(header[field.type[0]] ?? 0);
      switch (type) {
        case "x":
          about.records = parsePaxRecords(this.#describing(header));
          break;
        case "g":
          this.#holdForAll(parsePaxRecords(this.#describing(header)));
          break;
        case "L":
          about.longName = upToNul(this.#describing(header));
          break;
        case "K":
          about.longLinkName = upToNul(this.#describing(header));
          break;
        default:
          return this.#entry(header, type, about);
      }
    }
  }

  /** More of the current entry's content; empty at its end. Holds until the next call. */
  content(): Buffer {
    if (this.#left === 0) return empty;
    const chunk = this.#source.takeSome(this.#left);
    if (chunk.length === 0) throw unexpectedEnd();
    this.#left -= chunk.length;
    return chunk;
  }

  #passOver(): void {
    while (this.content().length > 0);
    // The last block of an archive cut off right after its content is not missed.
    if (this.#padding > 0) this.#source.take(this.#padding);
    this.#padding = 0;
  }

  /** Two blocks of zeros end an archive; so does the end of the bytes. */
  #header(): Buffer | undefined {
    const block = this.#block();
    if (block === undefined) return undefined;
    if (!isZero(block)) return verified(block);
    const second = this.#block();
    if (second !== undefined && !isZero(second)) throw invalidHeader();
    return undefined;
  }

  #block(): Buffer | undefined {
    const block = this.#source.take(blockBytes);
    if (block.length === 0) return undefined;
    if (block.length < blockBytes) throw unexpectedEnd();
    return Buffer.from(block);
  }

  #describing(header: Buffer): Buffer {
    const size = numberOf(header, field.size);
    if (size < 0 || size > maxDescribingBytes) throw invalidHeader();
    const content = Buffer.from(this.#source.take(size));
    if (content.length < size) throw unexpectedEnd();
    this.#source.take(paddingOf(size));
    return content;
  }

  #holdForAll(records: PaxRecords): void {
    for (const [key, value] of records.filter(([each]) => isForAll(each))) {
      const before = this.#globals.get(key);
      this.#globalBytes += value.length + (before === undefined ? key.length : -before.length);
      if (this.#globalBytes > maxGlobalBytes) throw invalidHeader();
      this.#globals.set(key, value);
    }
  }

  #entry(header: Buffer, type: string, about: Description): TarEntry {
    const records = this.#globals.size > 0 ? [...this.#globals, ...about.records] : about.records;
    const said = saidIn(records);
    const kind = kindOf(type);
    if (kind === undefined) throw new TarError(`unhandled tar header type ${type.charCodeAt(0)}`);
    const name = said.name ?? about.longName ?? nameIn(header);
    const isFolder = kind === "folder" || (type === "\0" && name.at(-1) === slash);
    const size = said.size ?? numberOf(header, field.size);
    if (size < 0) throw invalidHeader();
    const hasContent = kind === "file" && !isFolder;
    this.#left = hasContent ? size : 0;
    this.#padding = hasContent ? paddingOf(size) : 0;
    const sparse = hasContent ? this.#sparse(header, type, records, size) : undefined;
    if (sparse) this.#left -= sparse.mapBytes;
    return {
      kind: isFolder ? "folder" : kind,
      name,
      linkName: said.linkName ?? about.longLinkName ?? textOf(header, field.linkName),
      mode: numberOf(header, field.mode) & 0o7777,
      uid: owner(said.uid ?? numberOf(header, field.uid)),
      gid: owner(said.gid ?? numberOf(header, field.gid)),
      size: this.#left,
      modified: said.modified ?? { seconds: numberOf(header, field.modified), nanoseconds: 0 },
      device: deviceIn(header, kind),
      attributes: said.attributes,
      ...(sparse && { sparse: { length: sparse.length, extents: sparse.extents } }),
    };
  }

  #sparse(header: Buffer, type: string, records: PaxRecords, size: number): SparseMap | undefined {
    const map =
      type === "S"
        ? oldGnuSparseMap(header, () => this.#block() ?? raise(unexpectedEnd()))
        : paxSparseMap(records, this.#source, size);
    if (map && map.extents.reduce((sum, { length }) => sum + length, 0) !== size - map.mapBytes) throw invalidHeader();
    return map;
  }
}

const empty = Buffer.alloc(0);

/** What PAX records say of an entry. */
interface Said {
  name?: Buffer;
  linkName?: Buffer;
  uid?: number;
  gid?: number;
  size?: number;
  modified?: FileTime;
  attributes: ReadonlyMap<string, Buffer>;
}

const attributePrefix = "SCHILY.xattr.";

function saidIn(records: PaxRecords): Said {
  if (records.length === 0) return { attributes: noAttributes };
  const attributes = new Map<string, Buffer>();
  const said: Said = { attributes };
  let sparseName = false;
  for (const [key, value] of records) {
    if (key.startsWith(attributePrefix)) {
      attributes.set(key.slice(attributePrefix.length), value);
      continue;
    }
    switch (key) {
      case "path":
        // A sparse file's `path` is made up for programs that do not know the format.
        if (!sparseName) said.name = withoutNul(value);
        break;
      case "GNU.sparse.name":
        sparseName = true;
        said.name = withoutNul(value);
        break;
      case "linkpath":
        said.linkName = withoutNul(value);
        break;
      case "uid":
        said.uid = decimal(value);
        break;
      case "gid":
        said.gid = decimal(value);
        break;
      case "size":
        said.size = decimal(value);
        break;
      case "mtime":
        said.modified = parseTime(value.toString("latin1"));
        break;
    }
  }
  return said;
}

/** A global record is a default for all entries, which a name, a size or a map cannot be. */
const isForAll = (key: string): boolean => !["path", "linkpath", "size"].includes(key) && !key.startsWith("GNU.sparse.");

/** Seconds with an optional fraction; digits beyond nanoseconds are cut off. */
function parseTime(text: string): FileTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (!match) throw invalidHeader();
  const [, sign, whole = "", fraction = ""] = match;
  const seconds = Number(whole);
  const nanoseconds = Number(fraction.padEnd(9, "0").slice(0, 9));
  if (sign !== "-") return { seconds, nanoseconds };
  return nanoseconds === 0 ? { seconds: -seconds, nanoseconds } : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}

function owner(id: number): number {
  if (id < 0 || id > maxOwner) throw invalidHeader();
  return id;
}

function deviceIn(header: Buffer, kind: EntryKind): TarEntry["device"] {
  if (kind !== "characterDevice" && kind !== "blockDevice") return { major: 0, minor: 0 };
  const number = (place: Field): number => {
    const value = numberOf(header, place);
    if (value < 0 || value > 0xffff_ffff) throw invalidHeader();
    return value;
  };
  return { major: number(field.deviceMajor), minor: number(field.deviceMinor) };
}

function raise(error: Error): never {
  throw error;
}
