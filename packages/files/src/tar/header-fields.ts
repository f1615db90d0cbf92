import type { EntryKind } from "./tar-entry.ts";
import { invalidHeader } from "./tar-error.ts";

/** A tar is made of blocks of this size: a header, then content filled up with zeros. */
export const blockBytes = 512;

/** Bytes that fill the last block of `size` bytes of content. */
export const paddingOf = (size: number): number => -size & (blockBytes - 1);

/** A header's fields by their place (POSIX `ustar`; the old GNU format has its own use for the last 167 bytes). */
export const field = {
  name: [0, 100],
  mode: [100, 108],
  uid: [108, 116],
  gid: [116, 124],
  size: [124, 136],
  modified: [136, 148],
  checksum: [148, 156],
  type: [156, 157],
  linkName: [157, 257],
  magic: [257, 265],
  deviceMajor: [329, 337],
  deviceMinor: [337, 345],
  prefix: [345, 500],
} as const satisfies Record<string, readonly [number, number]>;

export type Field = readonly [from: number, to: number];

const space = 0x20;
const zero = 0x30;
const seven = 0x37;

/** Text up to its first NUL. */
export function textOf(block: Buffer, [from, to]: Field): Buffer {
  const end = block.indexOf(0, from);
  return Buffer.from(block.subarray(from, end === -1 || end > to ? to : end));
}

/** A number in octal digits or, where its first bit is set, in base 256 (two's complement). An empty field is 0. */
export function numberOf(block: Buffer, [from, to]: Field): number {
  const first = block[from] ?? 0;
  if (first & 0x80) return binaryNumber(block, from, to);
  let at = from;
  while (at < to && (block[at] === space || block[at] === 0)) at += 1;
  let value = 0;
  for (; at < to; at++) {
    const digit = block[at] ?? 0;
    if (digit === space || digit === 0) break;
    if (digit < zero || digit > seven) throw invalidHeader();
    value = value * 8 + (digit - zero);
  }
  for (; at < to; at++) if (block[at] !== space && block[at] !== 0) throw invalidHeader();
  return safe(value);
}

function binaryNumber(block: Buffer, from: number, to: number): number {
  const negative = ((block[from] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let at = from; at < to; at++) {
    const byte = block[at] ?? 0;
    // The first bit only says that the number is binary.
    value = (value << 8n) | BigInt(at === from ? (negative ? byte : byte & 0x7f) : byte);
  }
  return safe(Number(value));
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw invalidHeader();
  return value;
}

/** Sum of a header's bytes, its checksum field taken as blanks; old programs added bytes as signed. */
export function checksumsOf(block: Buffer): { unsigned: number; signed: number } {
  const [from, to] = field.checksum;
  let unsigned = (to - from) * space;
  let high = 0;
  for (let at = 0; at < blockBytes; at++) {
    if (at === from) at = to;
    const byte = block[at] ?? 0;
    unsigned += byte;
    if (byte > 127) high += 1;
  }
  return { unsigned, signed: unsigned - high * 256 };
}

const kinds = new Map<string, EntryKind>([
  ["\0", "file"],
  ["0", "file"],
  ["7", "file"],
  ["S", "file"],
  ["1", "hardLink"],
  ["2", "symbolicLink"],
  ["3", "characterDevice"],
  ["4", "blockDevice"],
  ["5", "folder"],
  ["6", "fifo"],
]);

/** What an entry is, by its type flag. */
export const kindOf = (type: string): EntryKind | undefined => kinds.get(type);

/** What ends a folder's name. */
export const slash = 0x2f;

/** An entry's name, where nothing before its header says another. */
export function nameIn(header: Buffer): Buffer {
  const name = textOf(header, field.name);
  // "ustar" and NUL is POSIX; GNU's "ustar  " uses the place of the prefix for other things.
  if (header.toString("latin1", field.magic[0], field.magic[0] + 6) !== "ustar\0") return name;
  const prefix = textOf(header, field.prefix);
  return prefix.length === 0 ? name : Buffer.concat([prefix, slashText, name]);
}

const slashText = Buffer.from("/");

export function withoutNul(value: Buffer): Buffer {
  if (value.includes(0)) throw invalidHeader();
  return value;
}

export function upToNul(text: Buffer): Buffer {
  const end = text.indexOf(0);
  return end === -1 ? text : text.subarray(0, end);
}

const zeroBlock = Buffer.alloc(blockBytes);
/** Two such blocks end an archive. */
export const isZero = (block: Buffer): boolean => block[0] === 0 && block.equals(zeroBlock);

/** A header whose checksum is right. */
export function verified(block: Buffer): Buffer {
  const { unsigned, signed } = checksumsOf(block);
  const said = numberOf(block, field.checksum);
  if (said !== unsigned && said !== signed) throw invalidHeader();
  return block;
}
