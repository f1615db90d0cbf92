import { checksumsOf, field } from "../tar/header-fields.ts";

export interface HeaderFields {
  name: string | Buffer;
  /** Default: a file. */
  type?: string;
  prefix?: string;
  linkName?: string;
  mode?: number;
  uid?: number;
  size?: number;
  major?: number;
  minor?: number;
  rawUid?: Buffer;
  rawModified?: Buffer;
  /** The old GNU format instead of POSIX. */
  gnu?: boolean;
}

/** A header as another program writes it, its checksum right. */
export function sealedHeader(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, [from, to]: readonly [number, number]): void =>
    void block.write(value.toString(8).padStart(to - from - 1, "0"), from, "latin1");
  Buffer.from(fields.name).copy(block, field.name[0]);
  octal(fields.mode ?? 0o644, field.mode);
  octal(fields.uid ?? 0, field.uid);
  octal(0, field.gid);
  octal(fields.size ?? 0, field.size);
  octal(0, field.modified);
  fields.rawUid?.copy(block, field.uid[0]);
  fields.rawModified?.copy(block, field.modified[0]);
  block.write(fields.type ?? "0", field.type[0], "latin1");
  block.write(fields.linkName ?? "", field.linkName[0]);
  block.write(fields.gnu ? "ustar  \0" : "ustar\u000000", field.magic[0], "latin1");
  octal(fields.major ?? 0, field.deviceMajor);
  octal(fields.minor ?? 0, field.deviceMinor);
  block.write(fields.prefix ?? "", field.prefix[0]);
  block.write(`${checksumsOf(block).unsigned.toString(8).padStart(6, "0")}\0 `, field.checksum[0], "latin1");
  return block;
}
