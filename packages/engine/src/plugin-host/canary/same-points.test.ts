import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSamePoints } from "./same-points.ts";

function manifest(points: unknown, pouch: object = {}, version = "2.0.0"): PluginManifest {
  return parseManifest({ name: "tool", version, pouch: { api: "1", points, ...pouch } });
}

const old = manifest(["container.preCreate", "daemon.preStartHook"], { priority: 5, filters: { labels: ["a"] } }, "1.0.0");

test("deadlines and policies may be others; what the chains are made of may not", () => {
  const points = ["container.preCreate", "daemon.preStartHook"];
  const pouch = { priority: 5, filters: { labels: ["a"] } };
  checkSamePoints(old, manifest(points, { ...pouch, timeoutMs: 7, failurePolicy: "ignore", onConflict: "error" }));
  for (const [fresh, difference] of [
    [manifest([...points, "container.preStart"], pouch), "the point container.preStart besides"],
    [manifest(["daemon.preStartHook"], pouch), "no point container.preCreate"],
    [
      manifest({ "container.preCreate": { priority: 6 }, "daemon.preStartHook": {} }, pouch),
      "priority 6 at container.preCreate in the place of 5",
    ],
    [
      manifest({ "container.preCreate": { filters: {} }, "daemon.preStartHook": {} }, pouch),
      "other filters at container.preCreate",
    ],
  ] as const)
    assert.throws(() => checkSamePoints(old, fresh), {
      kind: "failedPrecondition",
      message: `version 2.0.0 of plugin "tool" cannot be a canary beside 1.0.0: it has ${difference}; points, priorities and filters have to be the same, so reload it without a canary`,
    });
});

test("a plugin whose effects stay has no calls to share", () => {
  const fresh = manifest(["api.updateHandler", "daemon.preStopHook"]);
  assert.throws(() => checkSamePoints(fresh, fresh), {
    message:
      /has no point at which a canary could take calls: what it does at daemon.preStopHook, api.updateHandler is one version's/,
  });
});
