import assert from "node:assert/strict";
import { test } from "node:test";
import { EscapeFilter, parseDetachKeys } from "./escape-keys.ts";

const feed = (filter: EscapeFilter, text: string): string => {
  const { pass, detach } = filter.push(Buffer.from(text, "latin1"));
  return Buffer.from(pass).toString("latin1") + (detach ? "!" : "");
};

test("keys are read as Docker reads them", () => {
  assert.deepEqual([...parseDetachKeys("ctrl-p,ctrl-q")], [16, 17]);
  assert.deepEqual([...parseDetachKeys("a,ctrl-@,ctrl-[")], [97, 0, 27]);
  assert.throws(() => parseDetachKeys("ctrl-ü"), /unknown key/);
});

test("the sequence is found over chunks and never passed on", () => {
  const filter = new EscapeFilter(parseDetachKeys("ctrl-p,ctrl-q"));
  assert.equal(feed(filter, "ab\x10"), "ab");
  assert.equal(feed(filter, "\x11"), "!");
});

test("a beginning that comes to nothing is passed on late, but whole", () => {
  const filter = new EscapeFilter(parseDetachKeys("ctrl-p,ctrl-q"));
  assert.equal(feed(filter, "\x10"), "");
  assert.equal(feed(filter, "x"), "\x10x");
  assert.equal(feed(filter, "\x10\x10\x11"), "\x10!");
});
