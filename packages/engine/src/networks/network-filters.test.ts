import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, refuseUnknownFilters } from "./network-filters.ts";
import type { NetworkRecord } from "./network-record.ts";

const record: NetworkRecord = {
  id: "abc123",
  name: "front",
  created: "2026-01-01T00:00:00.000000000Z",
  driver: "bridge",
  internal: false,
  attachable: false,
  ingress: false,
  configOnly: false,
  configFrom: "",
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: "default", options: null, config: [], chosen: false },
  options: {},
  labels: { tier: "web", empty: "" },
};

test("filters pass as in Docker: any value of a key, every key, all labels", () => {
  const state = { used: false, now: new Date("2026-01-01T01:00:00Z") };
  const pass = (filters: Record<string, string[]>) => matches(record, filters, state);
  assert.equal(pass({ name: ["back", "ron"] }), true);
  assert.equal(pass({ name: ["front"], driver: ["macvlan"] }), false);
  assert.equal(pass({ id: ["abc"] }), true);
  assert.equal(pass({ id: ["^bc"] }), false);
  assert.equal(pass({ name: ["^fr.nt$"] }), true);
  assert.equal(pass({ type: [] }), false);
  assert.equal(pass({ type: ["custom"] }), true);
  assert.equal(pass({ dangling: ["true"] }), true);
  assert.equal(matches(record, { dangling: ["true"] }, { used: true }), false);
  assert.equal(pass({ label: ["tier", "tier=web"] }), true);
  assert.equal(pass({ label: ["tier=web", "missing"] }), false);
  assert.equal(pass({ label: ["constructor"] }), false);
  assert.equal(pass({ "label!": ["tier=db"] }), true);
  assert.equal(pass({ until: ["30m"] }), true);
  assert.equal(pass({ until: ["1h30m"] }), false);
});

test("unknown filters and values are refused", () => {
  assert.throws(() => refuseUnknownFilters({ color: ["red"] }), /invalid filter 'color'/);
  assert.throws(() => matches(record, { name: ["back"], type: ["odd"] }, { used: false }), /invalid filter/);
  assert.throws(() => matches(record, { until: ["yesterday"] }, { used: false }), /failed to parse value as time/);
});
