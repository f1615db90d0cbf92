import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { terminalSizes } from "./terminal-sizes.ts";

function reading() {
  const stream = new PassThrough();
  const controller = new AbortController();
  return { stream, controller, sizes: terminalSizes(stream, controller.signal) };
}

test("sizes are read one by one, however they are cut", async () => {
  const { stream, sizes } = reading();
  const first = sizes.next();
  stream.write('{"Width":80,"Hei');
  stream.write('ght":24}\n');
  assert.deepEqual((await first).value, { width: 80, height: 24 });
  stream.end('{"width":100,"height":30}');
  assert.deepEqual((await sizes.next()).value, { width: 100, height: 30 });
  assert.equal((await sizes.next()).done, true);
});

test("who is slow gets the last size only", async () => {
  const { stream, sizes } = reading();
  const first = sizes.next();
  stream.write('{"Width":1,"Height":1}');
  await first;
  for (let width = 2; width <= 9; width++) stream.write(`{"Width":${width},"Height":1}`);
  await turn();
  assert.deepEqual((await sizes.next()).value, { width: 9, height: 1 });
});

test("junk, endless documents, and the end of the session end the sizes", async () => {
  for (const junk of ["}", '{"Width":-1,"Height":2}', '{"Width":70000,"Height":2}', "x".repeat(2000)]) {
    const { stream, sizes } = reading();
    const next = sizes.next();
    stream.write(junk);
    assert.equal((await next).done, true, junk.slice(0, 30));
  }
  const { controller, sizes } = reading();
  const next = sizes.next();
  controller.abort();
  assert.equal((await next).done, true);
});
