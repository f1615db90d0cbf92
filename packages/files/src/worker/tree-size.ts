import { lstatSync, readdirSync, type BigIntStats } from "node:fs";
import { isSystemError } from "./job-failure.ts";
import { joinPath } from "./paths.ts";

/** Bytes of the files at and below a path, hard links counted once. What goes away meanwhile or cannot be read counts nothing. */
export function treeSize(path: Buffer): number {
  const seen = new Set<string>();
  let total = 0;
  const pending = [path];
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    const stats = unlessFailed(() => lstatSync(current, { bigint: true }));
    if (stats === undefined) continue;
    if (stats.isDirectory()) {
      for (const name of unlessFailed(() => readdirSync(current, "buffer")) ?? []) pending.push(joinPath(current, name));
    } else if (isFirst(stats, seen)) total += Number(stats.size);
  }
  return total;
}

function isFirst({ nlink, dev, ino }: BigIntStats, seen: Set<string>): boolean {
  if (nlink === 1n) return true;
  const key = `${dev}:${ino}`;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function unlessFailed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
