/** How an archive may be compressed, by its first bytes. */
export type Compression = "gzip" | "zstd" | "bzip2" | "xz";

const beginnings: [begin: number[], compression: Compression][] = [
  [[0x1f, 0x8b], "gzip"],
  [[0x42, 0x5a, 0x68], "bzip2"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
];

/** As many bytes as the longest beginning has. */
export const beginningBytes = 6;

export function compressionOf(head: Buffer): Compression | undefined {
  return beginnings.find(([begin]) => begin.every((byte, index) => head[index] === byte))?.[1];
}
