import assert from "node:assert/strict";
import { test } from "node:test";
import { PluginMetrics } from "./plugin-metrics.ts";

test("late failures of built-in plugins are counted by plugin and place", () => {
  const metrics = new PluginMetrics();
  for (let round = 0; round < 2; round += 1) metrics.failedLate("a", "container.preCreate");
  metrics.failedLate("a", "route");
  assert.match(
    metrics.text(),
    /\n# TYPE pouch_plugin_late_failures_total counter\n.*\{plugin="a",place="container\.preCreate"\} 2\n.*\{plugin="a",place="route"\} 1\n$/,
  );
});

test("calls are counted in cumulative buckets by plugin, point and outcome", () => {
  const metrics = new PluginMetrics();
  const entry = {
    sequence: 1,
    time: "",
    plugin: "a",
    version: "1.0.0",
    point: "container.preCreate",
    outcome: "changed",
  } as const;
  for (const durationMs of [0.04, 0.2, 70_000]) metrics.called({ ...entry, durationMs });
  metrics.called({ ...entry, durationMs: 1, outcome: "failed" });
  const lines = metrics.text().split("\n");
  const labels = 'plugin="a",point="container.preCreate",outcome="changed"';
  assert.ok(lines.includes(`pouch_plugin_call_duration_seconds_bucket{${labels},le="0.00005"} 1`));
  assert.ok(lines.includes(`pouch_plugin_call_duration_seconds_bucket{${labels},le="0.00025"} 2`));
  assert.ok(lines.includes(`pouch_plugin_call_duration_seconds_bucket{${labels},le="60"} 2`));
  assert.ok(lines.includes(`pouch_plugin_call_duration_seconds_bucket{${labels},le="+Inf"} 3`));
  assert.ok(
    lines.some((line) =>
      line.startsWith('pouch_plugin_call_duration_seconds_count{plugin="a",point="container.preCreate",outcome="failed"} 1'),
    ),
  );
});
