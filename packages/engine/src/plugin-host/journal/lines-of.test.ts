import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { linesOf } from "./lines-of.ts";

async function linesIn(t: TestContext, text: string, mostBytes = 1 << 20): Promise<(string | undefined)[]> {
  const folder = mkdtempSync(join(tmpdir(), "lines-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "text");
  writeFileSync(path, text);
  await using file = await open(path);
  return await Array.fromAsync(linesOf(file, Buffer.byteLength(text), mostBytes));
}

test("a newline ends a line, and nothing else that JSON may have in a text does", async (t) => {
  assert.deepEqual(await linesIn(t, "one \u2028 \u2029 \r one\n\nthree"), ["one \u2028 \u2029 \r one", "", "three"]);
});

test("a line that is longer than any may be is left out of memory, and those behind it are there", async (t) => {
  const long = "x".repeat(300_000);
  assert.deepEqual(await linesIn(t, `${long}\nshort\n${long}`, 200_000), [undefined, "short", undefined]);
  assert.deepEqual(await linesIn(t, `${long}\nshort\n`), [long, "short"]);
});
