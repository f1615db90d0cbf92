import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBus } from "./event-bus.ts";
import { stateChanges } from "./state-changes.ts";

test("what becomes of containers and pods is told in order, and nothing else", async () => {
  let now = 1_700_000_000_000_000_000n;
  const bus = new EventBus({ clock: { now: () => (now += 1_000_000_000n) } });
  const end = new AbortController();
  bus.publish({ type: "container", action: "create", id: "before", attributes: {} });
  const heard = stateChanges(bus, end.signal);
  const publish = (type: string, action: string): void => bus.publish({ type, action, id: "c", attributes: { a: "b" } });
  for (const action of ["create", "start", "exec_die", "die", "destroy"]) publish("container", action);
  publish("volume", "create");
  publish("pod", "die");
  end.abort();
  const states: string[] = [];
  for await (const { of, state, id, labels } of heard) states.push(`${of} ${id} ${state} ${labels["a"]}`);
  assert.deepEqual(states, [
    "container c created b",
    "container c started b",
    "container c stopped b",
    "container c deleted b",
    "pod c stopped b",
  ]);
});
