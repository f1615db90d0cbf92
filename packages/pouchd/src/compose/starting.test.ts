import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Starting } from "./starting.ts";

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const told: unknown[] = [];
  const unused = (): void => undefined;
  const log = { debug: unused, info: unused, error: unused, warn: (_message: string, fields?: object) => told.push(fields) };
  const stopping = new AbortController();
  return { starting: new Starting(stopping.signal, log), stopping, told };
}

test("a wait is told every ten seconds until it is over", async (t) => {
  const { starting, told } = start(t);
  const { promise, resolve } = Promise.withResolvers<string>();
  const waited = starting.until("the moon", () => promise);
  t.mock.timers.tick(25_000);
  assert.equal(told.length, 2);
  assert.partialDeepStrictEqual(told, [{ for: "the moon" }]);
  resolve("risen");
  assert.equal(await waited, "risen");
  t.mock.timers.tick(60_000);
  assert.equal(told.length, 2);
});

test("a stop that is asked for ends a wait, of work that hears it and of work that does not, and lets none begin", async (t) => {
  const { starting, stopping } = start(t);
  const hears = starting.until(
    "one",
    (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("torn")))),
  );
  const deaf = starting.orLeave("another", () => new Promise(() => undefined));
  const reason = new Error("asked to stop");
  stopping.abort(reason);
  for (const wait of [hears, deaf]) await assert.rejects(wait, reason);
  await assert.rejects(
    starting.until("a third", () => assert.fail("it is not begun")),
    reason,
  );
});

test("a stop of a daemon that has started calls nothing off that its start began", (t) => {
  const { starting, stopping } = start(t);
  starting.done();
  stopping.abort();
  assert.equal(starting.calledOff.aborted, false);
});
