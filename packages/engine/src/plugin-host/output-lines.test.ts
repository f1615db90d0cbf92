import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readOutputLines } from "./output-lines.ts";

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  const output = new PassThrough();
  const lines: string[] = [];
  readOutputLines(output, (line) => lines.push(line));
  for (const chunk of chunks) output.write(chunk);
  output.end();
  await once(output, "close");
  return lines;
}

test("lines come whole, however they were cut, and the last one without its end", async () => {
  const [first, second] = [Buffer.from("ein wört").subarray(0, 6), Buffer.from("ein wört").subarray(6)];
  assert.deepEqual(await linesOf("a\nb", "c\r\n\n", first, second, "\nlast"), ["a", "bc", "", "ein wört", "last"]);
});

test("of a line without an end only the first 8 KiB are kept", async () => {
  const [line = "", ...more] = await linesOf(...Array.from({ length: 100 }, () => "x".repeat(5000)), "\n");
  assert.deepEqual([line, more], [`${"x".repeat(8192)}… (491808 more characters)`, []]);
});

test("of a flood of lines a second's first ones and its last one are written, and the others counted", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const output = new PassThrough();
  const lines: string[] = [];
  readOutputLines(output, (line) => lines.push(line));
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  output.write(Array.from({ length: 2000 }, (_, index) => `${index}\n`).join(""));
  await turn();
  assert.deepEqual([lines.length, lines.at(-1)], [500, "499"]);
  t.mock.timers.tick(1000);
  assert.deepEqual(lines.splice(0).slice(-2), ["1499 lines left out: more than 500 in a second", "1999"]);
  output.write("after\n");
  await turn();
  assert.deepEqual(lines, ["after"]);
  output.end(`${"x\n".repeat(500)}last words`);
  await once(output, "close");
  assert.deepEqual(lines.slice(-3), ["x", "1 line left out: more than 500 in a second", "last words"]);
});

test("a program that writes without a pause is read no faster than a mebibyte a second", async (t) => {
  const taken = { bytes: 0 };
  const output = new Readable({
    read() {
      taken.bytes += 4096;
      this.push("y\n".repeat(2048));
    },
  });
  t.after(() => output.destroy());
  readOutputLines(output, () => undefined);
  for (let turn = 0; turn < 2000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(taken.bytes < 2 * 1024 * 1024, `${taken.bytes} bytes`);
  for (let round = 0; round < 300 && taken.bytes < 1.5 * 1024 * 1024; round += 1) await sleep(10);
  assert.ok(taken.bytes > 1.5 * 1024 * 1024, "it is read no further");
});
