import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** Formats Node has; others are left to their programs. */
const decompressors = { gzip: createGunzip, zstd: createZstdDecompress };

type OwnFormat = keyof typeof decompressors;

export const isOwnFormat = (format: string): format is OwnFormat => Object.hasOwn(decompressors, format);

/** Standard input, of that format, comes out plain. Rejects when it ends early or is damaged. */
export async function decompress(format: OwnFormat): Promise<void> {
  const largeChunks = { chunkSize: 256 * 1024 };
  await pipeline(process.stdin, decompressors[format](largeChunks), process.stdout);
}
