import assert from "node:assert/strict";
import { test } from "node:test";
import { PendingQueries } from "./pending-queries.ts";

test("who floods crowds out its own oldest queries and no other's", () => {
  const pending = new PendingQueries(4);
  const [flooder, other] = [{}, {}];
  const flood = Array.from({ length: 4 }, () => pending.open(flooder));
  const theirs = pending.open(other);
  assert.deepEqual(
    flood.map(({ signal }) => signal.aborted),
    [true, false, false, false],
  );
  for (let more = 0; more < 50; more++) pending.open(flooder);
  assert.equal(theirs.signal.aborted, false);
});

test("a query that has ended makes room, and is not given up later", () => {
  const pending = new PendingQueries(1);
  const owner = {};
  const first = pending.open(owner);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  const second = pending.open(owner);
  assert.equal(second.signal.aborted, false);
  pending.open({});
  assert.equal(second.signal.aborted, true, "no room but for one");
  assert.equal(first.signal.aborted, false);
});

test("an owner that ends gives up all it waits for", () => {
  const pending = new PendingQueries(8);
  const [owner, other] = [{}, {}];
  const mine = [pending.open(owner), pending.open(owner)];
  const theirs = pending.open(other);
  pending.giveUp(owner);
  assert.ok(mine.every(({ signal }) => signal.aborted));
  assert.equal(theirs.signal.aborted, false);
});
