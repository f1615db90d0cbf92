import assert from "node:assert/strict";
import { test } from "node:test";
import { Semaphore } from "./semaphore.ts";

const forever = new AbortController().signal;

test("tasks that find no place wait in the order they came", async () => {
  const places = new Semaphore(1);
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const run = (name: string, until?: Promise<void>): Promise<void> =>
    places.run(
      async () => {
        order.push(name);
        await until;
      },
      forever,
      () => order.push(`${name} waits`),
    );
  const all = [run("one", first.promise), run("two"), run("three")];
  first.resolve();
  await Promise.all(all);
  assert.deepEqual(order, ["one", "two waits", "three waits", "two", "three"]);
});

test("who is aborted while he waits has left the queue at once, and takes no place", async () => {
  const places = new Semaphore(1);
  const held = Promise.withResolvers<void>();
  const holding = places.run(() => held.promise, forever);
  const stop = new AbortController();
  const left = places.run(() => assert.fail("it has begun"), stop.signal);
  const next = places.run(() => Promise.resolve("next"), forever);
  stop.abort(new Error("cancelled"));
  await assert.rejects(left, /cancelled/);
  await assert.rejects(
    places.run(() => assert.fail("it has begun"), stop.signal),
    /cancelled/,
  );
  held.resolve();
  await holding;
  assert.equal(await next, "next");
  assert.equal(
    await places.run(
      () => Promise.resolve("free"),
      forever,
      () => assert.fail("it is not free"),
    ),
    "free",
  );
});
