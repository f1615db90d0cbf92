import { readFileSync } from "node:fs";
import { Libc } from "./libc.ts";

/** `madvise(2)`: forget the pages of the range; a clean file mapping reads them from the page cache again when they are needed. */
const madvDontneed = 4;

/**
 * Takes pages of the executable and its libraries out of this process's memory that were needed only to start: about half of
 * what a Node process keeps. They stay in the page cache. Mappings that were ever written to are left alone.
 */
export function giveBackFilePages(): void {
  const libc = Libc.load();
  if (libc === undefined) return;
  for (const { from, to } of cleanFileMappings(readFileSync("/proc/self/smaps", "utf8")))
    libc.attempt("madvise", from, to - from, madvDontneed);
}

/** Address ranges of read-only file mappings without a private page, from the text of `/proc/<pid>/smaps`. */
export function cleanFileMappings(smaps: string): { from: bigint; to: bigint }[] {
  const mappings: { from: bigint; to: bigint }[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +\//.exec(block);
    if (!head) continue;
    const clean = /^Private_Dirty: +0 kB$/m.test(block) && /^Anonymous: +0 kB$/m.test(block) && /^Locked: +0 kB$/m.test(block);
    if (clean) mappings.push({ from: BigInt(`0x${head[1]}`), to: BigInt(`0x${head[2]}`) });
  }
  return mappings;
}
