import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cleanFileMappings, giveBackFilePages } from "./give-back-file-pages.ts";

const mapping = (head: string, dirtyKb: number): string =>
  `${head}\nSize: 100 kB\nPrivate_Dirty: ${dirtyKb} kB\nAnonymous: ${dirtyKb} kB\nLocked: 0 kB\nVmFlags: rd ex\n`.replaceAll(
    ": ",
    ":  ",
  );

test("only read-only mappings of files that nobody wrote to are given back", () => {
  const smaps = [
    mapping("1000-2000 r-xp 00000000 fe:00 77 /usr/bin/pouchd", 0),
    mapping("2000-3000 r--p 00001000 fe:00 77 /usr/bin/pouchd", 8),
    mapping("3000-4000 rw-p 00002000 fe:00 77 /usr/bin/pouchd", 0),
    mapping("4000-5000 r--p 00000000 00:00 0 ", 0),
    mapping("5000-6000 r--p 00000000 00:00 0 [vdso]", 0),
  ].join("");
  assert.deepEqual(cleanFileMappings(smaps), [{ from: 0x1000n, to: 0x2000n }]);
});

test("the process works on, with fewer pages of files", () => {
  const fileKb = (): number => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const before = fileKb();
  giveBackFilePages();
  assert.ok(fileKb() < before, `${fileKb()} of ${before} kB`);
  assert.equal([3, 1, 2].toSorted().join(), "1,2,3");
});
