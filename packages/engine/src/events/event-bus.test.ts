import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventMessage } from "@pouchcontainer/api";
import { EventBus } from "./event-bus.ts";
import { matchesFilters } from "./event-filters.ts";

function busAt(seconds: number): { bus: EventBus; at: (seconds: number) => void } {
  let now = BigInt(seconds) * 1_000_000_000n;
  return {
    bus: new EventBus({ clock: { now: () => now }, remembered: 4 }),
    at: (next) => {
      now = BigInt(next) * 1_000_000_000n;
    },
  };
}

const container = (action: string, attributes: Record<string, string> = {}) => ({
  type: "container",
  action,
  id: "abc123",
  attributes: { image: "busybox:latest", name: "web", ...attributes },
});

async function collect(events: AsyncIterable<{ Action: string }>): Promise<string[]> {
  const actions: string[] = [];
  for await (const event of events) actions.push(event.Action);
  return actions;
}

test("a container's event has Docker's shape, the fields of old clients included", async () => {
  const { bus } = busAt(1_700_000_000);
  bus.publish(container("start"));
  const [event] = await Array.fromAsync(bus.subscribe({ since: 0, until: 1_700_000_000, filters: {} }, AbortSignal.abort()));
  assert.deepEqual(event, {
    status: "start",
    id: "abc123",
    from: "busybox:latest",
    Type: "container",
    Action: "start",
    Actor: { ID: "abc123", Attributes: { image: "busybox:latest", name: "web" } },
    scope: "local",
    time: 1_700_000_000,
    timeNano: 1_700_000_000_000_000_000,
  });
});

test("past events come by time, only as many as are remembered, and only when asked for", async () => {
  const { bus, at } = busAt(100);
  for (let second = 100; second < 106; second++) {
    at(second);
    bus.publish(container(`a${second}`));
  }
  const gone = AbortSignal.abort();
  assert.deepEqual(await collect(bus.subscribe({ since: 0, filters: {} }, gone)), ["a102", "a103", "a104", "a105"]);
  assert.deepEqual(await collect(bus.subscribe({ since: 103, until: 104, filters: {} }, gone)), ["a103", "a104"]);
  assert.deepEqual(await collect(bus.subscribe({ until: 0, filters: {} }, gone)), ["a102", "a103", "a104", "a105"]);
  assert.deepEqual(await collect(bus.subscribe({ filters: {} }, gone)), []);
});

test("a listener gets what happens after it subscribed, and lets go when its client does", async () => {
  const { bus } = busAt(100);
  const client = new AbortController();
  const events = bus.subscribe({ filters: {} }, client.signal);
  bus.publish(container("create"));
  bus.publish(container("start"));
  const received = collect(events);
  await new Promise((resolve) => setImmediate(resolve));
  client.abort();
  assert.deepEqual(await received, ["create", "start"]);
  assert.equal(bus.subscriberCount, 0);
});

test("a listener that stops reading is forgotten", async () => {
  const { bus } = busAt(100);
  const events = bus.subscribe({ filters: {} }, new AbortController().signal);
  bus.publish(container("create"));
  for await (const event of events) {
    assert.equal(event.Action, "create");
    break;
  }
  assert.equal(bus.subscriberCount, 0);
});

test("a stream with an end in the future ends then", async () => {
  const { bus } = busAt(100);
  assert.deepEqual(await collect(bus.subscribe({ until: 100.02, filters: {} }, new AbortController().signal)), []);
});

for (const [filters, expected] of [
  [{ type: ["container"] }, ["create", "exec_start: sh -c x", "die"]],
  [{ event: ["die", "pull"] }, ["die", "pull"]],
  [{ event: ["exec_start"] }, ["exec_start: sh -c x"]],
  [{ container: ["we"] }, ["create", "exec_start: sh -c x", "die"]],
  [{ container: ["abc"] }, ["create", "exec_start: sh -c x", "die"]],
  [{ container: ["other"] }, []],
  [{ label: ["tier=db"] }, ["die"]],
  [{ label: ["tier"] }, ["die"]],
  [{ image: ["busybox"] }, ["create", "exec_start: sh -c x", "die", "pull"]],
  [{ type: ["container"], event: ["pull"] }, []],
  [{ nonsense: ["x"] }, []],
] as const) {
  test(`filter ${JSON.stringify(filters)} passes ${expected.length} of 4 events`, async () => {
    const bus = new EventBus({ clock: { now: () => 1_000_000_000n } });
    bus.publish(container("create"));
    bus.publish(container("exec_start: sh -c x"));
    bus.publish(container("die", { tier: "db" }));
    bus.publish({ type: "image", action: "pull", id: "busybox:latest", attributes: { name: "busybox" } });
    const mutable = Object.fromEntries(Object.entries(filters).map(([key, values]) => [key, [...values]]));
    assert.deepEqual(await collect(bus.subscribe({ since: 0, filters: mutable }, AbortSignal.abort())), expected);
  });
}

test("of filters by label all have to match, of any other key one", () => {
  const event: EventMessage = {
    Type: "container",
    Action: "start",
    Actor: { ID: "c1", Attributes: { tier: "web", name: "one" } },
    scope: "local",
    time: 1,
    timeNano: 1,
  };
  assert.equal(matchesFilters(event, { label: ["tier", "tier=web"] }), true);
  assert.equal(matchesFilters(event, { label: ["tier", "owner"] }), false);
  assert.equal(matchesFilters(event, { label: ["tier=web", "tier=db"] }), false);
  assert.equal(matchesFilters(event, { label: [] }), true);
  assert.equal(matchesFilters(event, { event: ["die", "start"], container: ["two", "one"] }), true);
});
