import { PluginCanary, PouchPluginFacts } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { test } from "node:test";
import { world } from "./testing/canary-world.ts";

test("an inspect leaves no fact out: what there is none of is null, whatever plugin it is", async (t) => {
  const { h, daemon, begin } = await world(t);
  const facts = Object.keys(PouchPluginFacts.properties).toSorted();
  for (const { Name, Pouch = assert.fail() } of await daemon.manager.list()) {
    assert.deepEqual(Object.keys(Pouch).toSorted(), facts, Name);
    const { Canary, OpenCircuits, Digest, Signature, Details } = Pouch;
    assert.deepEqual([Canary, OpenCircuits, Digest, Signature], [null, [], null, null], Name);
    assert.deepEqual(Object.keys(Details), ["CallsInFlight", "Error", "Pid", "Restarts", "Points"], Name);
  }
  h.plugin("tool", { version: "2.0.0" });
  await begin();
  const { Canary } = (await daemon.manager.inspect("tool")).Pouch ?? {};
  assert.deepEqual(Object.keys(Canary ?? {}).toSorted(), Object.keys(PluginCanary.properties).toSorted());
  assert.deepEqual([Canary?.MaxMs, Canary?.PromoteAt], [null, null]);
});
