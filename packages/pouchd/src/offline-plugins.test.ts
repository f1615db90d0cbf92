import { Store, type PluginRecord } from "@pouchcontainer/engine";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { storeFile } from "./compose/store-file.ts";
import { readConfiguration } from "./config/read-configuration.ts";
import { offlinePlugins } from "./offline-plugins.ts";

test("the list of a daemon that is down says in what mode each plugin is", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "offline-"));
  t.after(() => rmSync(home, { recursive: true }));
  const store = Store.open(storeFile(home));
  const records = store.collection<PluginRecord>("plugins");
  const installed = { packageJson: { version: "1.0.0", pouch: { points: ["container.preCreate"] } }, directory: "/nowhere" };
  for (const [name, mode] of [["plain"], ["tried", "shadow"]] as const)
    await records.put(name, {
      name,
      enabled: true,
      installed: { ...installed, installedAt: "2026-01-01T00:00:00Z" },
      ...(mode && { mode }),
    });
  await store.close();

  const invocation = readConfiguration(["--home-dir", home, "plugin", "ls"], () => "{}");
  assert.ok(invocation.action === "plugin");
  const lines = (await offlinePlugins(invocation.command, invocation.configuration)).split("\n");
  assert.match(lines[0] ?? "", /^NAME +VERSION +ORIGIN +ENABLED +MODE +POINTS$/);
  assert.ok(lines.includes("plain  1.0.0    installed  true     active  container.preCreate"), lines.join("\n"));
  assert.ok(lines.includes("tried  1.0.0    installed  true     shadow  container.preCreate"), lines.join("\n"));
});
