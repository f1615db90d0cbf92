import type { HandlerSpec } from "@pouchcontainer/api";
import { WireClient } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTable } from "../handler-table.ts";
import { AfterCalls } from "../installed/after-calls.ts";
import { applyOperations } from "../installed/remote-routes.ts";
import { compileRoutes, coversRoute, routeChanges, routeText, type RouteChange } from "./route-changes.ts";

test("a route that the protocol wraps is told from one that it replaces, also when it is wrapped twice", () => {
  const route = (path: string): HandlerSpec => ({ method: "GET", path, handler: () => undefined });
  const before = [route("/wrapped"), route("/twice"), route("/replaced"), route("/both")];
  const plugin = {
    name: "tool",
    socketPath: "/nowhere",
    client: new WireClient("/nowhere"),
    generation: "c1",
    timeoutMs: 1,
    hold: () => () => undefined,
    afters: new AfterCalls(),
    suspect: () => undefined,
    warn: () => undefined,
  };
  const operations = [
    ["wrap", "/wrapped"],
    ["wrap", "/twice"],
    ["wrap", "/twice"],
    ["replace", "/replaced"],
    ["replace", "/both"],
    ["wrap", "/both"],
  ].map(([op, path]) => ({ op, method: "GET", path, ...(op === "wrap" && { after: true }) }));
  const { patch } = checkTable(before, applyOperations(before, operations, plugin));
  plugin.client.close();
  assert.deepEqual(routeChanges(patch).map(routeText), [
    "wrap GET /wrapped",
    "wrap GET /twice",
    "replace GET /replaced",
    "replace GET /both",
  ]);
});

for (const [pattern, does, granted] of [
  ["wrap GET /version", "wrap", true],
  ["replace GET /version", "wrap", true],
  ["wrap GET /version", "replace", false],
  ["replace * /version", "replace", true],
  ["replace POST /version", "replace", false],
  ["replace GET /ver*", "replace", true],
  ["replace GET *", "replace", true],
  ["remove GET /version", "replace", false],
] as const satisfies [string, RouteChange["does"], boolean][]) {
  test(`"${pattern}" ${granted ? "grants" : "does not grant"} ${does} of GET /version`, () => {
    assert.equal(compileRoutes([pattern])({ does, method: "GET", path: "/version" }), granted);
  });
}

for (const [granted, pattern, covered] of [
  ["add GET /extra/*", "add GET /extra/hello", true],
  ["add GET /extra/*", "add GET /extra/h*", true],
  ["add GET /extra/h*", "add GET /extra/*", false],
  ["add * /extra", "add GET /extra", true],
  ["add GET /extra", "add * /extra", false],
  ["replace GET /extra", "wrap GET /extra", true],
] as const) {
  test(`who was granted "${granted}" ${covered ? "asks for nothing new" : "asks for more"} with "${pattern}"`, () => {
    assert.equal(coversRoute([granted], pattern), covered);
  });
}
