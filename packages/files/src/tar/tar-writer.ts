import { blockBytes, checksumsOf, field, paddingOf, type Field } from "./header-fields.ts";
import { encodePaxRecords, type PaxRecords } from "./pax-records.ts";
import type { EntryKind, TarEntry } from "./tar-entry.ts";

/** Type flag and what the mode field says of the kind, as Docker's archives have it. */
const flags: Record<EntryKind, { type: string; mode: number }> = {
  file: { type: "0", mode: 0o100000 },
  hardLink: { type: "1", mode: 0o100000 },
  symbolicLink: { type: "2", mode: 0o120000 },
  characterDevice: { type: "3", mode: 0o020000 },
  blockDevice: { type: "4", mode: 0o060000 },
  folder: { type: "5", mode: 0o040000 },
  fifo: { type: "6", mode: 0o010000 },
};

/** Two blocks of zeros. */
export const endOfArchive = Buffer.alloc(2 * blockBytes);

const zeros = Buffer.alloc(blockBytes);

/** What fills the last block of content. */
export const paddingFor = (size: number): Buffer => zeros.subarray(0, paddingOf(size));

/**
 * The header of an entry: POSIX `ustar`, with a PAX header in front where a value does not fit. Times are whole seconds and
 * sparse files whole, as Docker sends them. A folder's name ends with a slash.
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const records: PaxRecords = [];
  const block = Buffer.allocUnsafe(blockBytes).fill(0);
  const { type, mode } = flags[entry.kind];
  putName(block, entry.name, records);
  putNumber(block, field.mode, (entry.mode & 0o7777) | mode);
  putNumberOrRecord(block, field.uid, entry.uid, "uid", records);
  putNumberOrRecord(block, field.gid, entry.gid, "gid", records);
  putNumberOrRecord(block, field.size, entry.size, "size", records);
  putNumberOrRecord(block, field.modified, entry.modified.seconds, "mtime", records);
  block.write(type, field.type[0], "latin1");
  if (fits(entry.linkName, field.linkName)) entry.linkName.copy(block, field.linkName[0]);
  else {
    records.push(["linkpath", entry.linkName]);
    putAscii(block, field.linkName, entry.linkName);
  }
  // A record's name ends with its first "=": another name, with another value, would be read.
  for (const [name, value] of entry.attributes) if (!name.includes("=")) records.push([`SCHILY.xattr.${name}`, value]);
  putNumber(block, field.deviceMajor, entry.device.major);
  putNumber(block, field.deviceMinor, entry.device.minor);
  seal(block);
  return records.length === 0 ? block : Buffer.concat([paxHeader(entry.name, records), block]);
}

function paxHeader(name: Buffer, records: PaxRecords): Buffer {
  const content = encodePaxRecords(records.sort(([one], [other]) => (one < other ? -1 : 1)));
  const block = Buffer.allocUnsafe(blockBytes).fill(0);
  const text = name.toString("latin1").replace(/\/$/, "");
  const at = text.lastIndexOf("/") + 1;
  putAscii(block, field.name, Buffer.from(`${text.slice(0, at)}PaxHeaders.0/${text.slice(at)}`, "latin1"));
  for (const place of [field.mode, field.uid, field.gid, field.modified]) putNumber(block, place, 0);
  putNumber(block, field.size, content.length);
  block.write("x", field.type[0], "latin1");
  seal(block);
  return Buffer.concat([block, content, paddingFor(content.length)]);
}

const nonAscii = /[^\0-\x7f]/;
const isAscii = (text: Buffer): boolean => !nonAscii.test(text.toString("latin1"));
const fits = (text: Buffer, [from, to]: Field): boolean => text.length <= to - from && isAscii(text);

/** A longer name is split at a slash, the first part into the prefix; one that cannot be goes into a record. */
function putName(block: Buffer, name: Buffer, records: PaxRecords): void {
  if (fits(name, field.name)) {
    name.copy(block, field.name[0]);
    return;
  }
  const split = isAscii(name) ? splitAt(name) : -1;
  if (split === -1) {
    records.push(["path", name]);
    putAscii(block, field.name, name);
    return;
  }
  name.copy(block, field.prefix[0], 0, split);
  name.copy(block, field.name[0], split + 1);
}

function splitAt(name: Buffer): number {
  // A slash at the very end belongs to a folder's name.
  const split = name.lastIndexOf("/", Math.min(field.prefix[1] - field.prefix[0], name.length - 2));
  return split > 0 && name.length - split - 1 <= field.name[1] - field.name[0] ? split : -1;
}

/** For readers that know no PAX: what of a name fits. */
function putAscii(block: Buffer, [from, to]: Field, text: Buffer): void {
  const ascii = Buffer.from(text.filter((byte) => byte < 128).subarray(0, to - from));
  ascii.copy(block, from);
}

function putNumberOrRecord(block: Buffer, place: Field, value: number, key: string, records: PaxRecords): void {
  const max = 8 ** (place[1] - place[0] - 1) - 1;
  if (value >= 0 && value <= max) {
    putNumber(block, place, value);
    return;
  }
  putNumber(block, place, 0);
  records.push([key, Buffer.from(String(value))]);
}

/** Octal digits and a NUL. */
function putNumber(block: Buffer, [from, to]: Field, value: number): void {
  let rest = value;
  for (let at = to - 2; at >= from; at--) {
    const digit = rest % 8;
    block[at] = 0x30 + digit;
    rest = (rest - digit) / 8;
  }
}

function seal(block: Buffer): void {
  block.write("ustar\u000000", field.magic[0], "latin1");
  const { unsigned } = checksumsOf(block);
  // Six digits, NUL, blank.
  putNumber(block, [field.checksum[0], field.checksum[1] - 1], unsigned);
  block[field.checksum[1] - 1] = 0x20;
}
