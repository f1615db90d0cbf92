import type { ByteSource } from "./byte-source.ts";
import { blockBytes, numberOf, paddingOf } from "./header-fields.ts";
import { decimal, type PaxRecords } from "./pax-records.ts";
import type { Extent } from "./tar-entry.ts";
import { invalidHeader, unexpectedEnd } from "./tar-error.ts";

/** Where the content of a sparse file belongs, and how much of the entry's content the map itself took. */
export interface SparseMap {
  length: number;
  extents: Extent[];
  mapBytes: number;
}

/** A map that a program made of a real file is far smaller; a bigger one is there to fill the memory. */
const maxExtents = 1 << 20;

/**
 * Old GNU format: four extents in the header, 21 in each block that follows it while the one before says so. `more` reads the
 * next block.
 */
export function oldGnuSparseMap(header: Buffer, more: () => Buffer): SparseMap {
  const extents: Extent[] = [];
  const collect = (block: Buffer, from: number, count: number): boolean => {
    for (let index = 0; index < count; index++) {
      const at = from + index * 24;
      // An entry that begins with NUL is not used, nor are those after it.
      if (block[at] === 0) break;
      extents.push({ offset: numberOf(block, [at, at + 12]), length: numberOf(block, [at + 12, at + 24]) });
    }
    if (extents.length > maxExtents) throw invalidHeader();
    return block[from + count * 24] === 1;
  };
  // The extents end at 482, where the flag is; the file's length is behind it.
  let extended = collect(header, 386, 4);
  while (extended) extended = collect(more(), 0, 21);
  return checked({ length: numberOf(header, [483, 495]), extents, mapBytes: 0 });
}

/** GNU formats 0.0, 0.1 and 1.0, told apart by their PAX records; undefined for a file that is not sparse. */
export function paxSparseMap(records: PaxRecords, content: ByteSource, size: number): SparseMap | undefined {
  const valueOf = (key: string): string | undefined => records.findLast(([name]) => name === key)?.[1].toString("latin1");
  const [major, minor] = [valueOf("GNU.sparse.major"), valueOf("GNU.sparse.minor")];
  if (major === "1" && minor === "0")
    return withMapInContent(content, size, decimal(valueOf("GNU.sparse.realsize") ?? valueOf("GNU.sparse.size") ?? ""));
  const length = valueOf("GNU.sparse.size");
  if (length === undefined) return undefined;
  const map = valueOf("GNU.sparse.map");
  const numbers =
    map === undefined
      ? records.filter(([key]) => key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes").map(([, value]) => decimal(value))
      : map === ""
        ? []
        : map.split(",").map(decimal);
  return checked({ length: decimal(length), extents: pairs(numbers), mapBytes: 0 });
}

/** Format 1.0: the map comes first in the content, in decimal lines, filled up to whole blocks. */
function withMapInContent(content: ByteSource, size: number, length: number): SparseMap {
  let mapBytes = 0;
  let pending = Buffer.alloc(0);
  const nextNumber = (): number => {
    for (;;) {
      const end = pending.indexOf("\n");
      if (end !== -1) {
        const number = decimal(pending.subarray(0, end));
        pending = pending.subarray(end + 1);
        return number;
      }
      if (pending.length > 32 || mapBytes + blockBytes > size + paddingOf(size)) throw invalidHeader();
      const block = content.take(blockBytes);
      if (block.length < blockBytes) throw unexpectedEnd();
      mapBytes += blockBytes;
      pending = Buffer.concat([pending, block]);
    }
  };
  const count = nextNumber();
  if (count > maxExtents) throw invalidHeader();
  const numbers = Array.from({ length: count * 2 }, nextNumber);
  return checked({ length, extents: pairs(numbers), mapBytes });
}

function pairs(numbers: readonly number[]): Extent[] {
  if (numbers.length % 2 !== 0 || numbers.length > maxExtents * 2) throw invalidHeader();
  const extents: Extent[] = [];
  for (let at = 0; at < numbers.length; at += 2) extents.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  return extents;
}

/** Extents ascend, do not overlap and end within the file. */
function checked(map: SparseMap): SparseMap {
  let end = 0;
  for (const { offset, length } of map.extents) {
    if (offset < end || length < 0) throw invalidHeader();
    end = offset + length;
  }
  if (end > map.length || !Number.isSafeInteger(map.length)) throw invalidHeader();
  return map;
}
