import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBus } from "../events/index.ts";
import { containerStates } from "./container-states.ts";

test("what becomes of containers is told in order, and nothing else", async () => {
  let now = 1_700_000_000_000_000_000n;
  const bus = new EventBus({ clock: { now: () => (now += 1_000_000_000n) } });
  const end = new AbortController();
  bus.publish({ type: "container", action: "create", id: "before", attributes: {} });
  const heard = containerStates(bus, end.signal);
  const publish = (type: string, action: string): void => bus.publish({ type, action, id: "c", attributes: { a: "b" } });
  for (const action of ["create", "start", "exec_die", "die", "destroy"]) publish("container", action);
  publish("volume", "create");
  end.abort();
  const states: string[] = [];
  for await (const { state, containerId, labels } of heard) states.push(`${containerId} ${state} ${labels["a"]}`);
  assert.deepEqual(states, ["c created b", "c started b", "c stopped b", "c deleted b"]);
});
