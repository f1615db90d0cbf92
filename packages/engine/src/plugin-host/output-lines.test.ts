import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
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
  assert.deepEqual([line.length, more], [8192, []]);
});
