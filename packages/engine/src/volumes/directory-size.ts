import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of all files below a directory, hard links counted once. A file that goes away meanwhile counts nothing. */
export async function directorySize(directory: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const pending = [directory];
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    for (const entry of await entriesOf(current)) {
      const path = join(current, entry.name);
      if (entry.isDirectory()) {
        pending.push(path);
        continue;
      }
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined || (stats.nlink > 1 && seen.has(`${stats.dev}:${stats.ino}`))) continue;
      if (stats.nlink > 1) seen.add(`${stats.dev}:${stats.ino}`);
      total += stats.size;
    }
  }
  return total;
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}
