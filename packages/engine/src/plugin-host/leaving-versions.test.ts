import type { PluginLeaving } from "@pouchcontainer/api";
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { until, world } from "./testing/canary-world.ts";

test("while a change waits for calls, an inspect says for how many, of which version, and until when, and what is in force", async (t) => {
  const { h, daemon, begin } = await world(t);
  const { manager } = daemon;
  const stop = join(h.root, "stop");
  const hanging = (version: string): string =>
    h.plugin("tool", {
      version,
      pouch: { timeoutMs: 60_000 },
      code: `async preCreate() {
        const { existsSync } = await import("node:fs");
        while (!existsSync(${JSON.stringify(stop)})) await new Promise((resolve) => setTimeout(resolve, 10));
      }`,
    });
  hanging("1.0.0");
  await manager.reload("tool");
  const facts = async (): Promise<[boolean, string | undefined, readonly PluginLeaving[]]> => {
    const { Enabled, Pouch } = await manager.inspect("tool");
    return [Enabled, Pouch?.Mode, Pouch?.Leaving ?? assert.fail()];
  };
  assert.deepEqual(await facts(), [true, "active", []]);

  const now = Date.now();
  const changes: [string, () => Promise<unknown>, string, boolean, string][] = [
    ["setMode", () => manager.setMode("tool", "shadow"), "1.0.0", true, "shadow"],
    ["abort", () => manager.canaries.abort("tool"), "2.0.0", true, "active"],
    ["disable", () => manager.disable("tool"), "1.0.0", false, "active"],
  ];
  for (const [what, change, version, enabled, mode] of changes) {
    if (what === "abort") {
      await manager.setMode("tool", "active");
      hanging("2.0.0");
      await begin({ failures: { calls: 100 } });
    }
    const calls = [1, 2].map(() => daemon.host.preCreate({ HostConfig: {} }, {}));
    await until("they have begun", async () => (await manager.inspect("tool")).Pouch?.Details["CallsInFlight"] === 2);
    const changing = change();
    await until(`${what} waits`, async () => (await facts())[2].length > 0);
    const [isEnabled, inMode, [leaving, ...others]] = await facts();
    assert.deepEqual([isEnabled, inMode, leaving?.Version, leaving?.Calls, others], [enabled, mode, version, 2, []], what);
    assert.ok(Date.parse(leaving?.Until ?? "") >= now + 60_000, String(leaving?.Until));
    writeFileSync(stop, "");
    await Promise.all([changing, ...calls]);
    assert.deepEqual(await facts(), [enabled, mode, []], what);
    rmSync(stop);
  }
});
