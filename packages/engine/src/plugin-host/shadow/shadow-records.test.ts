import { pluginSetOf } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { pullOf } from "../artifact/pull-request.ts";
import { artifactsOf, home, hostname, type Daemon } from "../testing/manager-home.ts";

async function modeOf({ manager }: Daemon, name: string): Promise<string | undefined> {
  return (await manager.inspect(name)).Pouch?.Mode;
}

/** The host name that a container gets, and what a plugin in shadow mode would have made of it. */
async function made(daemon: Daemon): Promise<[string | undefined, unknown]> {
  const name = await hostname(daemon);
  await daemon.host.shadowsOver();
  const last = daemon.host.trace.last({ plugin: "tool", reveal: true }).at(-1);
  const [first] = last?.shadow === true ? (last.patch ?? []) : [];
  return [name, first !== undefined && "value" in first ? first.value : undefined];
}

test("a plugin is installed in shadow mode, and stays in it through reload, disabling, a new version and a restart", async (t) => {
  const h = home(t);
  const client = sampleContainerConfig().Hostname;
  const first = await h.daemon();
  await first.manager.install({ reference: h.plugin("tool") }, { mode: "shadow" });
  assert.deepEqual([await modeOf(first, "tool"), await made(first)], ["shadow", [client, "tool"]]);
  await first.manager.reload("tool");
  await first.manager.disable("tool");
  await first.manager.enable("tool");
  assert.deepEqual([await modeOf(first, "tool"), await made(first)], ["shadow", [client, "tool"]]);
  await first.close();

  const second = await h.daemon();
  assert.deepEqual([await modeOf(second, "tool"), await made(second)], ["shadow", [client, "tool"]]);
  await second.manager.install({ reference: h.plugin("tool", { hostname: "newer" }) });
  assert.deepEqual([await modeOf(second, "tool"), await made(second)], ["shadow", [client, "newer"]]);
  await second.manager.setMode("tool", "active");
  await assert.rejects(second.manager.setMode("tool", "active"), { message: "plugin tool is already in active mode" });
  assert.deepEqual([await modeOf(second, "tool"), await made(second)], ["active", ["newer", undefined]]);
  assert.deepEqual(second.events.at(-1), { action: "set-mode", plugin: "tool", attributes: { mode: "active" } });
});

test("who changes its mode waits for no call in shadow mode", async (t) => {
  const daemon = await home(t).daemon();
  const code = "preCreate() { return new Promise(() => undefined); }";
  const reference = home(t).plugin("tool", { code, pouch: { timeoutMs: 20_000 } });
  await daemon.manager.install({ reference }, { mode: "shadow" });
  await hostname(daemon);
  await daemon.manager.setMode("tool", "active");
  await daemon.host.shadowsOver();
  // Its process ended under it, before its deadline.
  assert.deepEqual(
    daemon.host.trace.last({ plugin: "tool" }).map(({ shadow, outcome }) => [shadow, outcome]),
    [[true, "failed"]],
  );
});

test("one that is compiled in has a mode, which survives a restart; it may change while it is disabled", async (t) => {
  const h = home(t);
  const domain = async ({ host }: Daemon): Promise<string | undefined> =>
    (await host.preCreate(sampleContainerConfig(), {})).Domainname;
  const first = await h.daemon();
  assert.equal(await domain(first), "built-in");
  await first.manager.setMode("compiled-in", "shadow");
  assert.deepEqual([await modeOf(first, "compiled-in"), await domain(first)], ["shadow", undefined]);
  await first.close();
  const second = await h.daemon();
  assert.deepEqual([await modeOf(second, "compiled-in"), await domain(second)], ["shadow", undefined]);
  await second.manager.disable("compiled-in");
  await second.manager.setMode("compiled-in", "active");
  assert.equal(await domain(second), undefined, "a mode is no enabling");
  await second.manager.enable("compiled-in");
  assert.equal(await domain(second), "built-in");
});

test("a pull may bring a plugin in in shadow mode; another word is refused with what would be right", () => {
  const room = {
    artifacts: artifactsOf({ keys: [], required: false }),
    progress: () => undefined,
    signal: new AbortController().signal,
  };
  const optionsFor = (mode: string): unknown =>
    // As a query may have it.
    pullOf({ remote: "registry.example.com/tool:1", mode: mode as "shadow" }, room, () => false).options.mode;
  assert.equal(optionsFor("shadow"), "shadow");
  assert.throws(() => optionsFor("dark"), { kind: "invalidArgument", message: 'mode must be "active" or "shadow", got "dark"' });
});

test("a set says modes, shows what it would change, and is exported with them", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const source = h.plugin("tool");
  const set = (mode: object): ReturnType<typeof pluginSetOf> =>
    pluginSetOf(
      {
        plugins: [
          { name: "tool", source, ...mode },
          { name: "compiled-in", ...mode },
        ],
      },
      "the set",
    );
  const shadow = set({ mode: "shadow" });
  const changes = async (wanted: typeof shadow, options?: { dryRun: boolean }): Promise<unknown> =>
    (await daemon.manager.sets.applyAll(wanted, options)).changed.map(({ name, action, to }) => [name, action, to?.mode]);
  assert.deepEqual(await changes(shadow), [
    ["tool", "install", "shadow"],
    ["compiled-in", "set-mode", "shadow"],
  ]);
  assert.deepEqual(await changes(shadow), []);
  assert.deepEqual([await modeOf(daemon, "tool"), await modeOf(daemon, "compiled-in")], ["shadow", "shadow"]);
  assert.deepEqual(
    daemon.manager.exportSet().plugins.map(({ name, mode }) => [name, mode]),
    [
      ["tool", "shadow"],
      ["compiled-in", "shadow"],
    ],
  );
  const active = [
    ["tool", "set-mode", undefined],
    ["compiled-in", "set-mode", undefined],
  ];
  assert.deepEqual(await changes(set({}), { dryRun: true }), active);
  assert.equal(await modeOf(daemon, "tool"), "shadow");
  assert.deepEqual(await changes(set({})), active);
  assert.equal(await hostname(daemon), "tool");
});
