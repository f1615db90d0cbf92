import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { splitOutput } from "./split-output.ts";

const line = (key: string, words: string): string => `\u001e${key}\u001f${words}\n`;
const end = (key: string): string => `\u001e${key}\u0004\n`;

function split(): { output: PassThrough; streams: Map<string, PassThrough>; unmarked: PassThrough; culprits: string[] } {
  const output = new PassThrough();
  const streams = new Map(["a", "b"].map((key) => [key, new PassThrough()]));
  const unmarked = new PassThrough();
  const culprits: string[] = [];
  splitOutput(output, { streamOf: (key) => streams.get(key), endedBy: (key) => culprits.push(key), unmarked });
  return { output, streams, unmarked, culprits };
}

test("each line goes to whose it is, however it was cut, and the rest to nobody's in particular", async () => {
  const { output, streams, unmarked, culprits } = split();
  const all = `${line("a", "one")}plain\n${line("b", "two")}${line("gone", "three")}${line("a", "four")}${end("a")}${end("b")}\u001eb\u0018\ncut off`;
  for (const part of all.match(/[^]{1,3}/g) ?? []) output.write(part);
  output.end();
  assert.equal(await text(streams.get("a") ?? output), "one\nfour\n");
  assert.equal(await text(streams.get("b") ?? output), "two\n");
  assert.equal(await text(unmarked), "plain\nthree\ncut off\n");
  assert.deepEqual(culprits, ["b"]);
});

test("who reads slowly holds the output up, and it goes on when he has read", async () => {
  const { output, streams, unmarked } = split();
  const slow = streams.get("a") ?? output;
  const words = "x".repeat(1024);
  while (!slow.writableNeedDrain) {
    output.write(line("a", words));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(output.isPaused(), true);
  slow.resume();
  await once(slow, "drain");
  assert.equal(output.isPaused(), false);
  output.end("over\n");
  assert.equal(await text(unmarked), "over\n");
});
