import type { FileHandle } from "node:fs/promises";

const newline = 0x0a;

/**
 * Lines of a file's first bytes, one at a time in memory; undefined for one of more than `mostBytes`. A newline alone ends them: JSON has
 * other signs that end lines elsewhere in its texts.
 */
export async function* linesOf(file: FileHandle, bytes: number, mostBytes: number): AsyncGenerator<string | undefined> {
  let pieces: Buffer[] = [];
  let length = 0;
  const add = (piece: Buffer): void => {
    length += piece.length;
    if (length <= mostBytes) pieces.push(piece);
  };
  const taken = (): string | undefined => {
    const line = length > mostBytes ? undefined : Buffer.concat(pieces).toString();
    [pieces, length] = [[], 0];
    return line;
  };
  for await (const read of file.createReadStream({ end: bytes - 1, autoClose: false })) {
    const chunk = read as Buffer; // without an encoding they are bytes
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      add(chunk.subarray(from, at));
      yield taken();
      from = at + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield taken();
}
