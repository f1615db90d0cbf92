import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Store } from "../store/index.ts";
import type { PluginRecord } from "./plugin-record.ts";
import { home, type Daemon, type Home } from "./testing/manager-home.ts";

const validator = ["no-bind=/etc"];
const name = "pouch-validator";
const againstFlag = { kind: "conflict", message: /is the rules of the daemon's --validator.*start it without --validator/ };
const reserved = { kind: "conflict", message: /no plugin is installed under the name "pouch-validator".*--validator/ };

async function holds({ host }: Daemon): Promise<void> {
  const refused = { kind: "forbidden", message: /keeps \/etc from them/ };
  await assert.rejects(host.preCreate(sampleContainerConfig({ HostConfig: { Binds: ["/etc:/x"] } }), {}), refused);
  const DriverOpts = { type: "none", o: "bind", device: "/etc" };
  await assert.rejects(host.preVolumeCreate({ Name: "v", DriverOpts }, {}), refused);
}

/** As a daemon without the flag, that reserved no name, left it. */
async function record(h: Home, state: Partial<PluginRecord>, isInstalled: boolean): Promise<void> {
  const store = Store.open(join(h.root, "store.db"));
  const packageJson = {
    name,
    version: "1.0.0",
    exports: "./index.ts",
    pouch: { api: "^1.0.0", points: ["container.preCreate"] },
  };
  const installed = { packageJson, directory: h.plugin(name), content: "sha256:0", installedAt: new Date(0).toISOString() };
  await store.collection<PluginRecord>("plugins").put(name, { name, enabled: true, ...state, ...(isInstalled && { installed }) });
  await store.close();
}

for (const [what, state, isInstalled] of [
  ["a plugin in shadow mode", { mode: "shadow" }, true],
  ["a plugin that is disabled", { enabled: false }, true],
  ["the mode alone", { mode: "shadow" }, false],
  ["that it is disabled", { enabled: false }, false],
] as const)
  test(`rules of a flag hold where under their name ${what} is on record`, async (t) => {
    const h = home(t);
    await record(h, state, isInstalled);
    const daemon = await h.daemon({}, { validator });
    await holds(daemon);
    await daemon.manager.reload(name);
    await holds(daemon);
    const { Enabled, Pouch } = await daemon.manager.inspect(name);
    assert.deepEqual([Enabled, Pouch?.Mode, Pouch?.State, Pouch?.Origin], [true, "active", "running", "built-in"]);
  });

test("rules of a flag hold in safe mode", async (t) => {
  await holds(await home(t).daemon({ safeMode: true }, { validator }));
});

test("rules of a flag are not disabled, put into shadow mode or removed, by a set neither, and no export speaks of them", async (t) => {
  const { manager, ...daemon } = await home(t).daemon({}, { validator });
  for (const force of [false, true]) {
    await assert.rejects(manager.disable(name, { force }), againstFlag);
    await assert.rejects(manager.remove(name, { force }), againstFlag);
  }
  await assert.rejects(manager.setMode(name, "shadow"), againstFlag);
  for (const entry of [{ enabled: false }, { enabled: true, mode: "shadow" as const }]) {
    const set = { complete: false, plugins: [{ name, ...entry }] };
    await assert.rejects(manager.sets.applyAll(set), againstFlag);
    assert.equal((await manager.sets.applyEach(set)).failed.length, 1);
  }
  await manager.sets.applyAll({ complete: false, plugins: [{ name, enabled: true }] });
  await holds({ manager, ...daemon });
  assert.deepEqual(
    manager.exportSet().plugins.map((one) => one.name),
    ["compiled-in"],
  );
});

for (const [what, options] of [
  ["a daemon that has the flag", { validator }],
  ["a daemon that has not", {}],
] as const)
  test(`nobody installs a plugin under the name of a flag's rules, on ${what}`, async (t) => {
    const h = home(t);
    const { manager } = await h.daemon({}, options);
    const source = h.plugin(name);
    await assert.rejects(manager.install({ reference: source }), reserved);
    const other = { name: "other", enabled: true, source };
    await assert.rejects(manager.sets.applyAll({ complete: false, plugins: [other] }), reserved);
    if (!("validator" in options))
      await assert.rejects(manager.sets.applyAll({ complete: false, plugins: [{ ...other, name }] }), reserved);
    assert.deepEqual(readdirSync(join(h.root, "installed")), []);
  });
