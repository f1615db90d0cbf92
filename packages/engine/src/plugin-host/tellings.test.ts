import assert from "node:assert/strict";
import { test } from "node:test";
import { Tellings } from "./tellings.ts";

test("of one container things are told in their order, whatever became of the one before", async () => {
  const tellings = new Tellings();
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  const failing = tellings.inTurn("a", () => first.promise);
  const next = tellings.inTurn("a", async () => void told.push("next"));
  await tellings.inTurn("b", async () => void told.push("another's"));
  assert.deepEqual(told, ["another's"]);
  first.reject(new Error("no"));
  await assert.rejects(failing, /^Error: no$/);
  assert.equal(await next, true);
  assert.deepEqual(told, ["another's", "next"]);
  await tellings.over("a");
});

test("what waits has an end, and there is room again when some of it is told", async () => {
  const tellings = new Tellings();
  const slow = Promise.withResolvers<void>();
  const waiting = Array.from({ length: 100 }, () => tellings.inTurn("a", () => slow.promise));
  assert.equal(await tellings.inTurn("a", () => Promise.reject(new Error("told all the same"))), false);
  assert.equal(await tellings.inTurn("b", () => Promise.resolve()), true);
  slow.resolve();
  assert.deepEqual([...new Set(await Promise.all(waiting))], [true]);
  assert.equal(await tellings.inTurn("a", () => Promise.resolve()), true);
});
