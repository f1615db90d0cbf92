import { invalidHeader } from "./tar-error.ts";

/** Records of a PAX header in their order: keys as Latin-1 text, values as bytes. The sparse format 0.0 repeats keys. */
export type PaxRecords = [key: string, value: Buffer][];

const newline = 0x0a;
const equals = 0x3d;
const blank = 0x20;

/** Reads `LENGTH KEY=VALUE\n` records; the length counts itself. More than `most` are none. */
export function parsePaxRecords(content: Buffer, most = Infinity): PaxRecords {
  const records: PaxRecords = [];
  for (let at = 0; at < content.length;) {
    const afterLength = content.indexOf(blank, at);
    const length = afterLength === -1 || afterLength - at > 10 ? NaN : decimal(content.subarray(at, afterLength));
    const end = at + length;
    const split = content.indexOf(equals, afterLength);
    if (!(end <= content.length) || split === -1 || split >= end || content[end - 1] !== newline) throw invalidHeader();
    if (records.length >= most) throw invalidHeader();
    records.push([content.toString("latin1", afterLength + 1, split), Buffer.from(content.subarray(split + 1, end - 1))]);
    at = end;
  }
  return records;
}

/** A whole number of at least 0, as PAX writes it. */
export function decimal(text: Buffer | string): number {
  const digits = text.toString("latin1");
  const value = Number(digits);
  if (!/^\d{1,16}$/.test(digits) || !Number.isSafeInteger(value)) throw invalidHeader();
  return value;
}

export function encodePaxRecords(records: PaxRecords): Buffer {
  return Buffer.concat(records.map(([key, value]) => encodePaxRecord(key, value)));
}

function encodePaxRecord(key: string, value: Buffer): Buffer {
  const payload = key.length + value.length + 3;
  let length = payload + String(payload).length;
  // One more digit may be needed for the length that counts its own digits.
  if (String(length).length !== String(payload).length) length = payload + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, "latin1"), value, Buffer.from("\n")]);
}
