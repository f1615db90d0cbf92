import { open } from "node:fs/promises";

/**
 * Content of a file that a container can write, or undefined where it has more bytes than `limit`: what is done with it costs the daemon
 * time and memory. Text is Latin-1, a character a byte, so that bytes of any encoding come back as they were.
 */
export async function readBounded(path: string, limit: number): Promise<string | undefined> {
  await using file = await open(path, "r");
  const bytes = Buffer.alloc(Math.min((await file.stat()).size, limit) + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length);
    length += bytesRead;
    // It grew under the reader, or was too big before.
    if (length === bytes.length) return undefined;
    if (bytesRead === 0) return bytes.toString("latin1", 0, length);
  }
}
