import { sendError, type HandlerSpec } from "@pouchcontainer/api";
import { parsePluginSet, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Store } from "../store/index.ts";
import { pluginAdminRoutes } from "./admin-routes.ts";
import { unpackPlugin } from "./installed/plugin-package.ts";
import { conflict, resourceExhausted } from "@pouchcontainer/errors";
import type { Collection } from "../store/index.ts";
import type { PluginManagerDeps } from "./plugin-manager.ts";
import type { PluginOrderRecord, PluginRecord } from "./plugin-record.ts";
import { artifactsOf, checks, home, hostname, type Daemon, type Home } from "./testing/manager-home.ts";
import { policy } from "./testing/policy-folder.ts";

test("folders of sockets that a killed daemon left are gone at the next start, and nothing else is", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  await first.manager.install({ reference: h.plugin("tool") });
  await first.close();
  const runtime = join(h.root, "run");
  for (const name of ["0a1b2c3d", "ffffffff", "somebody"]) mkdirSync(join(runtime, name), { recursive: true });
  writeFileSync(join(runtime, "0a1b2c3d", "plugin.sock"), "");
  const second = await h.daemon();
  const left = readdirSync(runtime);
  assert.equal(left.length, 2, left.join());
  assert.ok(left.includes("somebody"));
  assert.equal(await hostname(second), "tool");
});

test("folders of packages that no record names are gone at the next start; those of records stay, of plugins that are off or illegible too", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  await first.manager.install({ reference: h.plugin("on") });
  await first.manager.install({ reference: h.plugin("off") }, { enable: false });
  await first.close();
  const store = Store.open(join(h.root, "store.db"));
  await store.collection<PluginRecord>("plugins").put("ill", {
    name: "ill",
    enabled: true,
    // By another path of the same home.
    installed: { packageJson: null, directory: "/elsewhere/installed/p-ill", installedAt: "2026-01-01T00:00:00.000Z" },
  });
  await store.close();
  const kept = [...folders(h), "p-ill", "somebody"].toSorted();
  for (const name of ["p-ill", "p-lost", "p-half", "somebody"]) mkdirSync(join(h.root, "installed", name));
  writeFileSync(join(h.root, "installed", "p-lost", "package.json"), "{}");
  const second = await h.daemon();
  assert.deepEqual(folders(h).toSorted(), kept);
  assert.equal((await second.manager.inspect("on")).Pouch?.State, "running");
});

test("a plugin installed from a folder works at once, and after a restart of the daemon", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  const installed = await first.manager.install({ reference: h.plugin("tool") });
  assert.deepEqual(
    [installed.Name, installed.Enabled, installed.Pouch?.Origin, installed.Pouch?.State],
    ["tool", true, "installed", "running"],
  );
  assert.equal(await hostname(first), "tool");
  await first.close();
  const second = await h.daemon();
  assert.equal(await hostname(second), "tool");
  assert.deepEqual(
    (await second.manager.list()).map((plugin) => [plugin.Name, plugin.Enabled]),
    [
      ["compiled-in", true],
      ["tool", true],
    ],
  );
});

test("an archive as npm packs it is installed from a stream; its folder may be sent as a tar as well", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const folder = h.plugin("packed");
  mkdirSync(join(h.root, "stage"));
  cpSync(folder, join(h.root, "stage/package"), { recursive: true });
  const archive = join(h.root, "packed-1.0.0.tgz");
  execFileSync("tar", ["-czf", archive, "-C", join(h.root, "stage"), "package"]);
  await daemon.manager.install({ archive: createReadStream(archive) });
  assert.equal(await hostname(daemon), "packed");
  h.plugin("packed", { version: "1.1.0", hostname: "newer" });
  execFileSync("tar", ["-cf", archive, "-C", folder, "."]);
  const upgraded = await daemon.manager.install({ archive: createReadStream(archive) });
  assert.equal(upgraded.Pouch?.Version, "1.1.0");
  assert.equal(await hostname(daemon), "newer");
  assert.equal(readdirSync(join(h.root, "installed")).length, 1);
});

test("a reload swaps the new version in while a call ends in the old one", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const folder = h.plugin("tool", {
    code: `async preCreate(config) { await new Promise((resolve) => setTimeout(resolve, 1500)); config.Hostname = "old"; }`,
  });
  await daemon.manager.install({ reference: folder });
  const inFlight = hostname(daemon);
  h.plugin("tool", { version: "2.0.0", hostname: "new" });
  const reloading = daemon.manager.reload("tool");
  assert.equal(await inFlight, "old");
  assert.equal((await reloading).Pouch?.Version, "2.0.0");
  assert.equal(await hostname(daemon), "new");
});

for (const [what, broken, message] of [
  ["a syntax error", { code: "preCreate( {" }, /plugin "tool" could not be started/],
  [
    "a throw at load",
    { code: `preCreate() {} }); throw new Error("no licence"); ({` },
    /plugin "tool" could not be started: no licence/,
  ],
  ["an exit at load", { code: `preCreate() {} }); process.exit(7); ({` }, /its process ended with status 7 at its start/],
  [
    "a manifest that says more than the code",
    { pouch: { points: ["container.preStart"] } },
    /registers preCreate of a container plugin, but its manifest does not list container.preCreate/,
  ],
  [
    "an API version that does not exist",
    { pouch: { api: "^9.0.0" } },
    /bad manifest of plugin "tool": it asks for plugin API \^9.0.0, this daemon has 1.2.0/,
  ],
  ["an unknown point", { pouch: { points: ["container.preExplode"] } }, /bad manifest of plugin "tool": pouch.points/],
] as const) {
  test(`a version with ${what} is refused, and the old one goes on`, async (t) => {
    const h = home(t);
    const daemon = await h.daemon();
    await daemon.manager.install({ reference: h.plugin("tool") });
    h.plugin("tool", { version: "2.0.0", ...broken });
    await assert.rejects(daemon.manager.reload("tool"), message);
    assert.equal(await hostname(daemon), "tool");
    assert.equal((await daemon.manager.inspect("tool")).Pouch?.Version, "1.0.0");
    assert.equal(readdirSync(join(h.root, "installed")).length, 1);
    assert.equal(readdirSync(join(h.root, "run")).length, 1);
  });
}

test("an author sees where a plugin failed: of JavaScript's, of Python's, and that one said nothing", async (t) => {
  const h = home(t);
  const { manager } = await h.daemon();
  const thrown = h.plugin("thrower", {
    code: `preCreate() {} });\nfunction licence() { throw new Error("none") }\nlicence(); ({`,
  });
  await assert.rejects(manager.install({ reference: thrown }), {
    message:
      /^plugin "thrower" could not be started: none\nits last lines were:\nError: none\n {4}at licence .*index.ts:3:\d+\)\n/,
  });
  const python = h.plugin("python", { pouch: { command: ["python3", "plugin.py"] } });
  const module = "def licence():\n    raise ValueError('none')\nlicence()\n";
  writeFileSync(join(python, "plugin.py"), module);
  await assert.rejects(manager.install({ reference: python }), {
    message:
      /^plugin "python" could not be started: its process ended with status 1 at its start\nits last lines were:\nTraceback.*\n(.*\n)+.*plugin.py", line 2, in licence\n(.*\n)*ValueError: none$/,
  });
  const hangsUp = `import os, socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self): self.rfile.readline(); {}["no such key"]
socketserver.UnixStreamServer(os.environ["POUCH_PLUGIN_SOCKET"], Handler).serve_forever()\n`;
  writeFileSync(join(python, "plugin.py"), hangsUp);
  await assert.rejects(manager.install({ reference: python }), {
    message:
      /^plugin "python" could not be started: its process does not answer: .*\nits last lines were:\n(.*\n)+KeyError: 'no such key'\n-*$/,
  });
  writeFileSync(
    join(python, "plugin.py"),
    hangsUp.replace(`{}["no such key"]`, `print("rubbish", file=__import__("sys").stderr); self.wfile.write(b"rubbish")`),
  );
  await assert.rejects(manager.install({ reference: python }), {
    message: /^plugin "python" could not be started: its process does not answer: Parse Error.*\nits last lines were:\nrubbish$/,
  });
  writeFileSync(
    join(python, "package.json"),
    JSON.stringify({
      name: "python",
      version: "1.0.0",
      pouch: { api: "1", points: ["daemon.preStartHook"], command: ["python3", "plugin.py"] },
    }),
  );
  const answer = `self.wfile.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 35\\r\\nConnection: close\\r\\n\\r\\n{"Implements": ["pouch.daemon/1"] }')`;
  writeFileSync(
    join(python, "plugin.py"),
    hangsUp.replace("self.rfile.readline();", `"Activate" in str(self.rfile.readline()) and ${answer} or`),
  );
  await assert.rejects(manager.install({ reference: python }), {
    message:
      /^plugin "python" at daemon.preStartHook: its process does not answer: .*\nits last lines were:\n(.*\n)+KeyError: 'no such key'\n-*$/,
  });
  const silent = h.plugin("silent", { pouch: { command: ["true"] } });
  await assert.rejects(manager.install({ reference: silent }), {
    message:
      'plugin "silent" could not be started: its process ended with status 0 at its start; it wrote nothing to standard error',
  });
});

test("settings are checked against the schema and reach the plugin", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const pouch = {
    configuration: {
      type: "object",
      properties: { suffix: { type: "string" } },
      required: ["suffix"],
      additionalProperties: false,
    },
  };
  const folder = h.plugin("tool", {
    pouch,
    code: "preCreate(config, { configuration }) { config.Hostname = `x${configuration.suffix}`; }",
  });
  await assert.rejects(
    daemon.manager.install({ reference: folder }),
    /configuration of plugin "tool": the value must have required properties suffix/,
  );
  await assert.rejects(
    daemon.manager.install({ reference: folder }, { configuration: { suffix: 1 } }),
    /suffix must be string, got 1/,
  );
  assert.deepEqual(readdirSync(join(h.root, "installed")), []);
  await daemon.manager.install({ reference: folder }, { configuration: { suffix: "y" } });
  assert.equal(await hostname(daemon), "xy");
});

test("disabled plugins are not called, enabled ones are again; both states survive a restart, of built-in plugins too", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  await first.manager.install({ reference: h.plugin("tool") });
  await first.manager.disable("tool");
  await first.manager.disable("compiled-in");
  await assert.rejects(first.manager.disable("tool"), { kind: "failedPrecondition", message: "plugin tool is already disabled" });
  assert.deepEqual(await first.host.preCreate(sampleContainerConfig(), {}), sampleContainerConfig());
  await first.close();
  const second = await h.daemon();
  assert.deepEqual(
    (await second.manager.list({ enabled: ["false"] })).map((plugin) => plugin.Name),
    ["compiled-in", "tool"],
  );
  await second.manager.enable("tool:latest");
  await second.manager.enable("compiled-in");
  await assert.rejects(second.manager.enable("tool"), { message: "plugin tool is already enabled" });
  const changed = await second.host.preCreate(sampleContainerConfig(), {});
  assert.deepEqual([changed.Hostname, changed.Domainname], ["tool", "built-in"]);
});

test("an enabled plugin is removed with force only, a built-in one never; nothing of a removed one is left", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") });
  await assert.rejects(daemon.manager.remove("tool"), {
    kind: "failedPrecondition",
    message: "plugin tool is enabled, disable it first or use force",
  });
  await daemon.manager.remove("tool", { force: true });
  assert.equal(await hostname(daemon), undefined);
  assert.deepEqual([readdirSync(join(h.root, "installed")), readdirSync(join(h.root, "run"))], [[], []]);
  await assert.rejects(daemon.manager.remove("compiled-in", { force: true }), /is compiled into the daemon/);
  await assert.rejects(daemon.manager.inspect("tool"), { kind: "notFound", message: 'plugin "tool" not found' });
  assert.deepEqual(
    daemon.events.map(({ action, plugin }) => `${action} ${plugin}`),
    ["install tool", "remove tool"],
  );
});

test("changes of one plugin at once: what comes after its removal does not find it", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") });
  const outcomes = await Promise.allSettled([
    daemon.manager.disable("tool"),
    daemon.manager.remove("tool"),
    daemon.manager.remove("tool"),
    daemon.manager.enable("tool"),
    daemon.manager.reload("tool"),
    daemon.manager.setOrder(["tool"]),
  ]);
  const told = outcomes.map((outcome) => (outcome.status === "fulfilled" ? "done" : String(outcome.reason.message)));
  const gone = 'plugin "tool" not found';
  assert.deepEqual(told, ["done", "done", gone, gone, gone, gone]);
  assert.deepEqual(
    daemon.events.map(({ action }) => action),
    ["install", "disable", "remove"],
  );
});

test("an archive that is sent slowly holds up no other change, and one nobody sends any more is given up", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") });
  const [first, second] = [new PassThrough(), new PassThrough()];
  const installing = daemon.manager.install({ archive: first });
  const reloading = daemon.manager.reload("tool", { archive: second });
  const outcomes = Promise.allSettled([installing, reloading]);
  await daemon.manager.disable("tool");
  await daemon.manager.remove("tool");
  for (const stream of [first, second]) stream.destroy(new Error("the client has gone"));
  const told = await outcomes;
  assert.deepEqual(
    told.map((outcome) => outcome.status === "rejected" && String(outcome.reason.message)),
    ["the client has gone", "the client has gone"],
  );
  assert.deepEqual(readdirSync(join(h.root, "installed")), []);
});

test("an archive has limits of its own: while it is sent, in bytes, and of what it holds", async (t) => {
  const h = home(t);
  const folder = h.plugin("big");
  writeFileSync(join(folder, "zeros"), Buffer.alloc(8 * 1024 * 1024));
  const archive = join(h.root, "big.tgz");
  execFileSync("tar", ["-czf", archive, "-C", folder, "."]);
  const parent = join(h.root, "unpacked");
  const limits = { idleMs: 30_000, sentBytes: 1024 ** 2, unpackedBytes: 16 * 1024 ** 2 };
  const room = { directory: parent, artifacts: artifactsOf({ keys: [], required: false }) };
  const { manifest } = await unpackPlugin({ archive: createReadStream(archive) }, { ...room, limits }, () => undefined);
  assert.equal(manifest.name, "big");
  const before = readdirSync(parent);
  for (const [source, changed, message] of [
    [new PassThrough(), { idleMs: 50 }, "nothing more of the plugin's archive was sent for 0.05 s"],
    [
      createReadStream(archive),
      { sentBytes: 1000 },
      "the plugin's archive is larger than 1000 bytes, which is the most that may be sent",
    ],
    [
      createReadStream(archive),
      { unpackedBytes: 4 * 1024 ** 2 },
      "the plugin's archive holds more than 4194304 bytes, which is the most that is unpacked",
    ],
  ] as const) {
    await assert.rejects(
      unpackPlugin({ archive: source }, { ...room, limits: { ...limits, ...changed } }, () => undefined),
      { message },
    );
    source.destroy();
  }
  assert.deepEqual(readdirSync(parent), before);
});

test("force takes a plugin out of the chains before its preStopHook, which gets seconds", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const folder = h.plugin("slow", { pouch: { points: ["daemon.preStopHook", "container.preCreate"] } });
  writeFileSync(
    join(folder, "index.ts"),
    `import { registerContainerPlugin, registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
     registerContainerPlugin({ preCreate(config) { config.Hostname = "slow"; } });
     registerDaemonPlugin({ preStopHook({ log }) { log.info("stopping"); return new Promise(() => undefined); } });`,
  );
  await daemon.manager.install({ reference: folder });
  const disabling = daemon.manager.disable("slow", { force: true });
  for (let round = 0; round < 200 && !daemon.manager.logLines("slow").some((line) => line.includes("stopping")); round += 1)
    await sleep(10);
  assert.equal(await hostname(daemon), sampleContainerConfig().Hostname);
  await disabling;
  assert.ok(daemon.manager.logLines("slow").some((line) => line.includes("no answer within 3 s")));
});

/** A plugin whose hook never ends, once it is called. */
function writeHanging(h: Home, name: string, hook: string): string {
  const folder = h.plugin(name, { pouch: { points: [`daemon.${hook}`] } });
  writeFileSync(
    join(folder, "index.ts"),
    `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
     registerDaemonPlugin({ ${hook}({ log }) { log.info("hanging"); return new Promise(() => undefined); } });`,
  );
  return folder;
}

async function untilSaid({ logs }: Daemon, name: string, words: string): Promise<void> {
  for (let round = 0; round < 500 && !logs.lines(name).some((line) => line.includes(words)); round += 1) await sleep(10);
  assert.ok(logs.lines(name).some((line) => line.includes(words)));
}

test("a plugin that hangs in its change holds up no other's, nor the order of others", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const { manager } = daemon;
  await manager.install({ reference: writeHanging(h, "stopper", "preStopHook") });
  await manager.install({ reference: h.plugin("tool") });
  const changes = [manager.disable("stopper"), manager.install({ reference: writeHanging(h, "starter", "preStartHook") })];
  const outcomes = Promise.allSettled(changes);
  for (const name of ["stopper", "starter"]) await untilSaid(daemon, name, "hanging");
  await manager.reload("tool");
  await manager.setOrder(["tool"]);
  await manager.disable("tool");
  await manager.remove("tool");
  await manager.install({ reference: h.plugin("other") });
  assert.equal(await hostname(daemon), "other");
  assert.deepEqual([daemon.events.some(({ plugin }) => plugin === "starter"), manager.order], [false, ["tool"]]);

  // Force ends what a change before waits for.
  await Promise.allSettled(["stopper", "starter"].map((name) => manager.remove(name, { force: true })));
  const told = (await outcomes).map((outcome) => (outcome.status === "fulfilled" ? "done" : String(outcome.reason.message)));
  assert.deepEqual(told, [
    "done",
    'plugin "starter" at daemon.preStartHook: the operation was cancelled: the plugin is taken out by force',
  ]);
  const left = (await manager.list()).map(({ Name }) => Name);
  assert.deepEqual(left, ["compiled-in", "other"]);
  assert.equal(readdirSync(join(h.root, "run")).length, 1);
});

test("a disable by force ends the wait of another, which is no failure of it, and calls that it gives up say why they end", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const { manager } = daemon;
  const code = `preCreate(config, { log }) { log.info("hanging"); return new Promise(() => undefined); }`;
  for (const isAnotherWaiting of [false, true]) {
    await manager.install({ reference: h.plugin("tool", { code, pouch: { timeoutMs: 60_000 } }) });
    const call = assert.rejects(hostname(daemon), {
      kind: "unavailable",
      message: 'plugin "tool" at container.preCreate: its plugin was taken out by force while it ran',
    });
    await untilSaid(daemon, "tool", "hanging");
    const waiting = isAnotherWaiting ? manager.disable("tool") : undefined;
    const others = isAnotherWaiting ? 1 : 0;
    while ((await manager.inspect("tool")).Pouch?.Leaving?.length !== others) await sleep(10);
    await manager.disable("tool", { force: true });
    await Promise.all([call, waiting]);
    assert.equal((await manager.inspect("tool")).Enabled, false);
    await assert.rejects(manager.disable("tool", { force: true }), { message: "plugin tool is already disabled" });
    await manager.remove("tool");
  }
});

test("what another plugin's table refuses is not this one's failure: it is in the chains when its own hook has ended", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const folder = h.plugin("router", { pouch: { points: ["api.updateHandler", "daemon.preStartHook"] } });
  const source = `import { registerApiPlugin, registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
     registerDaemonPlugin({ preStartHook({ log }) { log.info("hanging"); return new Promise(() => undefined); } });
     registerApiPlugin({ updateHandler: (table) => [...table, { method: "GET", path: "/plugins/mine", handler() {} }] });`;
  writeFileSync(join(folder, "index.ts"), source);
  const outcome = Promise.allSettled([daemon.manager.install({ reference: folder })]);
  await untilSaid(daemon, "router", "hanging");
  await daemon.manager.setOrder(["compiled-in"]);
  await daemon.manager.remove("router", { force: true }).catch(() => undefined);
  assert.equal((await outcome)[0].status, "rejected");
});

test("a plugin whose route the table refuses is not enabled, and nothing of it stays", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const folder = h.plugin("router", { pouch: { points: ["api.updateHandler"] } });
  writeFileSync(
    join(folder, "index.ts"),
    `import { registerApiPlugin } from "@pouchcontainer/plugin-sdk";
     registerApiPlugin({ updateHandler: (table) => [...table, { method: "GET", path: "/plugins/mine", handler() {} }] });`,
  );
  await assert.rejects(
    daemon.manager.install({ reference: folder }),
    /plugin "router" at api.updateHandler: GET \/plugins\/mine is reserved for the daemon/,
  );
  assert.equal(daemon.host.registry.get("router"), undefined);
  assert.deepEqual([readdirSync(join(h.root, "installed")), readdirSync(join(h.root, "run"))], [[], []]);
});

test("the route table is asked for anew when the process behind a route was started again", async (t) => {
  const h = home(t);
  const rebuilds: string[] = [];
  const daemon = await h.daemon({ rebuildRoutes: async () => void rebuilds.push("rebuilt") });
  const folder = h.plugin("router", { pouch: { points: ["api.updateHandler"] } });
  writeFileSync(
    join(folder, "index.ts"),
    `import { registerApiPlugin } from "@pouchcontainer/plugin-sdk";
     registerApiPlugin({ updateHandler: () => undefined });`,
  );
  const { Pouch } = await daemon.manager.install({ reference: folder });
  assert.equal(rebuilds.length, 1);
  process.kill(Number(Pouch?.Details?.["Pid"]), "SIGKILL");
  for (let round = 0; round < 200 && rebuilds.length < 2; round += 1) await sleep(25);
  assert.equal(rebuilds.length, 2);
});

test("a plugin whose place in the chains cannot be made is not installed, its process ends, and the others go on", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const { registry } = daemon.host;
  await daemon.manager.install({ reference: h.plugin("tool") });
  for (const [name, method] of [
    ["other", "add"],
    ["tool", "swap"],
  ] as const) {
    t.mock.method(registry, method, () => assert.fail("no place"), { times: 1 });
    await assert.rejects(daemon.manager.install({ reference: h.plugin(name, { hostname: "new" }) }), /no place/);
    assert.equal(await hostname(daemon), "tool");
    assert.equal(readdirSync(join(h.root, "installed")).length, 1);
    assert.equal(readdirSync(join(h.root, "run")).length, 1, "the socket of the one that is installed");
  }
});
/** A daemon whose table is that of its plugins, and the plugin `router`, which serves what its code says. */
async function routing(t: TestContext, changes: Partial<PluginManagerDeps> = {}) {
  const h = home(t);
  let table: HandlerSpec[] = [];
  let refuses = false;
  const shown = { method: "GET", path: "/info", handler: () => undefined };
  const daemon: Daemon = await h.daemon({
    rebuildRoutes: async () => {
      const built = await daemon.host.updateHandlers([shown]);
      if (refuses) throw conflict("the table is refused");
      table = built;
      daemon.host.routesServed();
    },
    ...changes,
  });
  const write = (name: string, code: string, first = ""): string => {
    const folder = h.plugin(name, { pouch: { points: ["api.updateHandler"] } });
    writeFileSync(
      join(folder, "index.ts"),
      `import { registerApiPlugin } from "@pouchcontainer/plugin-sdk";
       registerApiPlugin({ updateHandler: (handlers) => { ${first} return [...handlers, { method: "GET", path: "/${name}", handler: async (request, response) => { ${code} } }]; } });`,
    );
    return folder;
  };
  const server = createServer((request, response) => {
    const spec = table.find(({ path }) => path === request.url);
    Promise.resolve(spec?.handler(request, response, {})).catch((error: unknown) => sendError(response, error));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server's address is an object.
  const get = (name: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`);
  const paths = (): string[] => table.map(({ path }) => path);
  return { h, daemon, write, get, paths, refuse: (whether: boolean) => (refuses = whether) };
}

for (const change of ["reload", "disable"] as const) {
  test(`a request of a plugin's route ends in the version it came to, through a ${change}`, async (t) => {
    const { daemon, write, get } = await routing(t);
    const slow = `response.write("begun, "); setTimeout(() => response.end("done"), 1500);`;
    await daemon.manager.install({ reference: write("router", slow) });
    const response = await get("router");
    assert.equal((await daemon.manager.inspect("router")).Pouch?.Details?.["CallsInFlight"], 1);
    write("router", `response.end("new");`);
    await daemon.manager[change]("router");
    assert.equal(await response.text(), "begun, done");
    if (change === "reload") assert.equal(await (await get("router")).text(), "new");
  });
}

for (const [change, end] of Object.entries({
  disable: ({ manager }: Daemon) => manager.disable("router"),
  "removal by force": ({ manager }: Daemon) => manager.remove("router", { force: true }),
}))
  test(`after a ${change} a plugin's routes answer no more, also where another keeps the table from being built, which is tried again`, async (t) => {
    const { h, daemon, write, get, paths } = await routing(t, { routeRetryMs: 20 });
    const file = join(h.root, "moody");
    await daemon.manager.install({ reference: write("router", `response.end("here");`) });
    const moods = `if (process.getBuiltinModule("fs").existsSync(${JSON.stringify(file)})) throw new Error("not now");`;
    await daemon.manager.install({ reference: write("moody", `response.end("mine");`, moods) });
    writeFileSync(file, "");
    await end(daemon);
    const answer = await get("router");
    assert.deepEqual([answer.status, await answer.json()], [404, { message: "page not found" }]);
    assert.equal(await (await get("moody")).text(), "mine");
    assert.deepEqual(paths(), ["/info", "/moody", "/router"]);
    const told = `error the route table stays as it was, and is tried again until it can be built: plugin "moody" at api.updateHandler: not now`;
    if (change === "disable") assert.ok(daemon.manager.logLines("router").some((line) => line.endsWith(told)));
    rmSync(file);
    for (let round = 0; round < 400 && paths().includes("/router"); round += 1) await sleep(25);
    assert.deepEqual(paths(), ["/info", "/moody"]);
    assert.equal(await (await get("moody")).text(), "mine");
  });

test("tables that were refused take no route of the served one away, nor one with a request under way", async (t) => {
  const { daemon, write, get, refuse } = await routing(t);
  await daemon.manager.install({ reference: write("router", `response.end("here");`) });
  const slow = `response.write("begun, "); setTimeout(() => response.end("done"), 1500);`;
  await daemon.manager.install({ reference: write("slow", slow) });
  const response = await get("slow");
  refuse(true);
  for (let round = 0; round < 9; round += 1) await assert.rejects(daemon.manager.setOrder(["slow"]), /the table is refused/);
  assert.equal(await (await get("router")).text(), "here");
  refuse(false);
  await daemon.manager.setOrder(["router"]);
  await daemon.manager.setOrder(["slow"]);
  assert.equal(await response.text(), "begun, done");
  assert.equal(await (await get("router")).text(), "here");
});

test("a reload ends what the old version's daemon points began, and a failing new one brings it back", async (t) => {
  const h = home(t);
  const said: string[] = [];
  const daemon = await h.daemon({ stopAssistants: async () => void said.push("assistants stopped") });
  const folder = h.plugin("helper", { pouch: { points: ["daemon.preStartHook", "daemon.preStopHook"] } });
  const write = (version: string, start: string): void =>
    writeFileSync(
      join(folder, "index.ts"),
      `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
       registerDaemonPlugin({ preStartHook({ log }) { log.info("start ${version}"); ${start} }, preStopHook({ log }) { log.info("stop ${version}"); } });`,
    );
  const lines = (): string[] =>
    daemon.manager
      .logLines("helper")
      .map((line) => line.split(" info ")[1] ?? "")
      .filter((line) => /^(start|stop) /.test(line));
  write("one", "");
  await daemon.manager.install({ reference: folder });
  write("two", "throw new Error('port taken')");
  await assert.rejects(daemon.manager.reload("helper"), /plugin "helper" at daemon.preStartHook: port taken/);
  assert.deepEqual(lines(), ["start one", "stop one", "start two", "start one"]);
  assert.deepEqual(said, ["assistants stopped", "assistants stopped"]);
});

test("a plugin that cannot be started any more fails its calls, as its policy says, until it is repaired", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  const folder = h.plugin("tool");
  await first.manager.install({ reference: folder });
  await first.close();
  const installed = join(h.root, "installed", readdirSync(join(h.root, "installed"))[0] ?? "");
  writeFileSync(join(installed, "index.ts"), "throw new Error('rotten');");
  const second = await h.daemon();
  await assert.rejects(hostname(second), {
    kind: "unavailable",
    message: /plugin "tool" at container.preCreate: plugin "tool" could not be started: rotten/,
  });
  assert.equal((await second.manager.inspect("tool")).Pouch?.State, "failed");
  await second.manager.reload("tool");
  assert.equal(await hostname(second), "tool");
});

/** What the daemon's start asks of plugins. */
async function startUp({ host }: Daemon, routes: HandlerSpec[]): Promise<HandlerSpec[]> {
  await host.preStartHook();
  return host.updateHandlers(routes);
}

const routes: HandlerSpec[] = ["/info", "/plugins/{name...}/disable"].map((path) => ({
  method: "POST",
  path,
  handler: () => undefined,
}));

test("a plugin that cannot be started any more keeps no daemon down; the routes it was shown answer why", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  const code = `preStartHook() {} }); registerApiPlugin({ updateHandler(table) { return table; }`;
  const folder = h.plugin("tool", { pouch: { points: ["daemon.preStartHook", "api.updateHandler"] } });
  writeFileSync(
    join(folder, "index.ts"),
    `import { registerApiPlugin, registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";\nregisterDaemonPlugin({ ${code} });\n`,
  );
  await first.manager.install({ reference: folder });
  await first.close();
  const installed = join(h.root, "installed", readdirSync(join(h.root, "installed"))[0] ?? "");
  writeFileSync(join(installed, "index.ts"), "throw new Error('rotten');");

  const second = await h.daemon();
  const [info, disable] = await startUp(second, routes);
  assert.ok(info !== undefined && disable !== undefined);
  assert.equal(disable.handler, routes[1]?.handler);
  // The handler looks at nothing of what it is given.
  const call = async (): Promise<void> => info.handler({} as IncomingMessage, {} as ServerResponse, {});
  await assert.rejects(call(), { kind: "unavailable", message: /plugin "tool" at api.updateHandler: .*rotten/ });
  assert.deepEqual(
    second.events.map(({ action, plugin }) => `${action} ${plugin}`),
    ["failed tool"],
  );
  await second.manager.disable("tool");
  assert.deepEqual(await startUp(second, routes), routes);
});

test("an installed plugin whose manifest this daemon refuses is listed with what is wrong, and its points are not run without it", async (t) => {
  const h = home(t);
  const tool = {
    name: "tool",
    enabled: true,
    installed: {
      packageJson: { name: "tool", version: "2.0.0", pouch: { api: "^9.0.0", points: ["container.preCreate", "moon.landing"] } },
      directory: join(h.root, "installed", "tool"),
      installedAt: "2026-01-01T00:00:00.000Z",
    },
  };
  const store = Store.open(join(h.root, "store.db"));
  const records = store.collection<PluginRecord>("plugins");
  await records.put("tool", tool);
  await records.put("nothing", { ...tool, name: "nothing", installed: { ...tool.installed, packageJson: null } });
  await store.close();

  const daemon = await h.daemon();
  await startUp(daemon, routes);
  const { Pouch } = await daemon.manager.inspect("tool");
  assert.deepEqual([Pouch?.State, Pouch?.Version, Pouch?.Points], ["failed", "2.0.0", ["container.preCreate"]]);
  assert.match(String(Pouch?.Details?.["Error"]), /bad manifest of plugin "tool": pouch.points\[1\] must be/);
  assert.equal((await daemon.manager.inspect("nothing")).Pouch?.Priority, 0);
  await assert.rejects(hostname(daemon), { kind: "unavailable", message: /plugin "tool" at container.preCreate: bad manifest/ });
  await daemon.manager.disable("tool");
  assert.equal(await hostname(daemon), undefined);
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.State, "disabled");
  await daemon.manager.remove("tool");
  await daemon.manager.remove("nothing", { force: true });
  assert.deepEqual(
    (await daemon.manager.list()).map(({ Name }) => Name),
    ["compiled-in"],
  );
});

test("in safe mode no plugin is started or called; each stays installed, and can be disabled, removed and replaced", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  const folders = ["bad", "good", "off"].map((name) => h.plugin(name));
  for (const reference of folders) await first.manager.install({ reference });
  await first.manager.disable("off");
  await first.close();

  const safe = await h.daemon({ safeMode: true });
  assert.deepEqual(await safe.host.preCreate(sampleContainerConfig(), {}), sampleContainerConfig());
  const states = async (): Promise<unknown[]> =>
    (await safe.manager.list()).map(({ Name, Enabled, Pouch }) => [Name, Enabled, Pouch?.State]);
  assert.deepEqual(await states(), [
    ["bad", true, "held back"],
    ["compiled-in", true, "held back"],
    ["good", true, "held back"],
    ["off", false, "disabled"],
  ]);
  const notNow = { kind: "failedPrecondition", message: /the daemon is in safe mode.*without --safe-mode/ };
  await assert.rejects(safe.manager.enable("off"), notNow);
  await assert.rejects(safe.manager.enable("good"), { message: "plugin good is already enabled" });
  await assert.rejects(safe.manager.remove("good"), { message: /is enabled, disable it first or use force/ });
  h.plugin("good", { hostname: "mended" });
  await safe.manager.reload("good");
  await safe.manager.disable("bad");
  await safe.manager.remove("bad");
  await safe.manager.disable("compiled-in");
  await assert.rejects(safe.manager.disable("compiled-in"), { message: "plugin compiled-in is already disabled" });
  assert.deepEqual(await states(), [
    ["compiled-in", false, "disabled"],
    ["good", true, "held back"],
    ["off", false, "disabled"],
  ]);
  assert.deepEqual(readdirSync(join(h.root, "run")), []);
  await safe.close();

  const last = await h.daemon();
  const { Hostname, Domainname } = await last.host.preCreate(sampleContainerConfig(), {});
  assert.deepEqual([Hostname, Domainname], ["mended", undefined]);
});

test("the order decides between equal priorities and survives a restart", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  await first.manager.install({ reference: h.plugin("aaa") });
  await first.manager.install({ reference: h.plugin("zzz") });
  assert.equal(await hostname(first), "zzz");
  await first.manager.setOrder(["zzz", "aaa"]);
  assert.equal(await hostname(first), "aaa");
  await assert.rejects(first.manager.setOrder(["nobody"]), /plugin "nobody" not found/);
  await first.close();
  assert.equal(await hostname(await h.daemon()), "aaa");
});

test("the operator's routes: install, trace, dry-run, logs", async (t) => {
  const h = home(t);
  const { host, manager } = await h.daemon();
  const routes = pluginAdminRoutes({ host, manager, checks });
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "", "http://x").pathname;
    for (const spec of routes) {
      const match = new RegExp(`^${spec.path.replace("{name...}", "(?<name>.+)")}$`).exec(path);
      if (match === null || spec.method !== request.method) continue;
      Promise.resolve(spec.handler(request, response, { ...match.groups })).catch((error: Error) =>
        response.writeHead(400).end(error.message),
      );
      return;
    }
    response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  // A TCP server's address is an object.
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(base + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

  const folder = h.plugin("tool", { code: `preCreate(config, { log }) { log.warn("seen"); config.Env.push("SECRET=1"); }` });
  assert.equal(((await (await post("/plugins/install", { source: folder })).json()) as { Name: string }).Name, "tool");
  const tried = (await (
    await post("/plugins/dry-run", { point: "container.preCreate", body: { Image: "busybox", Env: [] } })
  ).json()) as { calls: unknown[]; body: unknown };
  assert.deepEqual(tried.body, { Image: "busybox", Env: ["SECRET=***"], HostConfig: {}, Domainname: "built-in" });
  assert.equal(tried.calls.length, 2);
  assert.deepEqual(await (await fetch(`${base}/plugins/trace`)).json(), [], "a dry run leaves no trace");

  await host.preCreate(sampleContainerConfig({ Env: [] }), { containerId: "abc123", containerName: "web" });
  const trace = (await (await fetch(`${base}/plugins/trace?container=web&plugin=tool`)).json()) as { patch: unknown }[];
  assert.deepEqual(
    trace.map(({ patch }) => patch),
    [[{ op: "add", path: "/Env/0", value: "SECRET=***" }]],
  );
  const revealed = (await (await fetch(`${base}/plugins/trace?container=abc&plugin=tool&showEnv=1`)).json()) as {
    patch: unknown;
  }[];
  assert.deepEqual(revealed[0]?.patch, [{ op: "add", path: "/Env/0", value: "SECRET=1" }]);
  assert.match(await (await fetch(`${base}/plugins/tool/logs`)).text(), /warn seen\n$/);
  assert.equal(
    (await post("/plugins/dry-run", { point: "container.preCreate", body: { HostConfig: { Memory: "x" } } })).status,
    400,
  );
});

/** A daemon whose disk takes no record while `full` is set. */
async function onFullDisk(h: Home): Promise<{ daemon: Daemon; disk: { full: boolean } }> {
  const disk = { full: false };
  const limited = <T>(): Collection<T> => {
    const records = new Map<string, T>();
    const checked = (work: () => void): Promise<void> => {
      if (disk.full) return Promise.reject(resourceExhausted("no space left on the device"));
      work();
      return Promise.resolve();
    };
    return {
      get: (id) => records.get(id),
      values: () => records.values(),
      put: (id, value) => checked(() => records.set(id, value)),
      delete: (id) => checked(() => records.delete(id)),
    };
  };
  return { daemon: await h.daemon({ records: limited<PluginRecord>(), orders: limited<PluginOrderRecord>() }), disk };
}

const folders = (h: Home): string[] => readdirSync(join(h.root, "installed"));

test("an install whose record cannot be written leaves the running version as it was, its folder too", async (t) => {
  const h = home(t);
  const { daemon, disk } = await onFullDisk(h);
  await daemon.manager.install({ reference: h.plugin("tool", { version: "1.0.0", hostname: "old" }) });
  const before = folders(h);
  disk.full = true;
  const newer = h.plugin("tool", { version: "2.0.0", hostname: "new" });
  await assert.rejects(daemon.manager.install({ reference: newer }), /no space left/);
  assert.equal(await hostname(daemon), "old");
  assert.deepEqual(folders(h), before);
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Version, "1.0.0");
  await assert.rejects(daemon.manager.reload("tool"), /no space left/);
  assert.equal(await hostname(daemon), "old");
  assert.deepEqual(folders(h), before);
  disk.full = false;
  await daemon.manager.reload("tool");
  assert.equal(await hostname(daemon), "new");
  assert.equal(folders(h).length, 1);
});

test("a first install whose record cannot be written leaves nothing", async (t) => {
  const h = home(t);
  const { daemon, disk } = await onFullDisk(h);
  disk.full = true;
  await assert.rejects(daemon.manager.install({ reference: h.plugin("tool") }), /no space left/);
  assert.notEqual(await hostname(daemon), "tool");
  assert.deepEqual(folders(h), []);
  assert.deepEqual(
    (await daemon.manager.list()).map(({ Name }) => Name),
    ["compiled-in"],
  );
});

test("enable, disable, removal and order that cannot be written change nothing", async (t) => {
  const h = home(t);
  const { daemon, disk } = await onFullDisk(h);
  const { manager } = daemon;
  await manager.install({ reference: h.plugin("tool") });
  await manager.install({ reference: h.plugin("zeal") });
  await manager.install({ reference: h.plugin("idle") }, { enable: false });
  const order = manager.order;
  const chain = await hostname(daemon);
  disk.full = true;
  await assert.rejects(manager.disable("tool"), /no space left/);
  await assert.rejects(manager.remove("tool", { force: true }), /no space left/);
  await assert.rejects(manager.enable("idle"), /no space left/);
  await assert.rejects(manager.setOrder(["zeal", "tool"]), /no space left/);
  await assert.rejects(manager.install({ reference: h.plugin("tool") }, { enable: false }), /no space left/);
  assert.equal(await hostname(daemon), chain);
  assert.deepEqual(manager.order, order);
  const enabled = async (): Promise<unknown[]> => (await manager.list()).map(({ Name, Enabled }) => [Name, Enabled]);
  assert.deepEqual(await enabled(), [
    ["compiled-in", true],
    ["idle", false],
    ["tool", true],
    ["zeal", true],
  ]);
  assert.equal(folders(h).length, 3);
});

test("who follows a plugin's log and does not read costs no memory, and is told what was left out", async (t) => {
  const { host, manager, logs } = await home(t).daemon();
  const log = pluginAdminRoutes({ host, manager, checks }).find(({ path }) => path.endsWith("/logs"));
  assert.ok(log !== undefined);
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    void log.handler(request, response, { name: "compiled-in" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  // An address, since it listens on a port.
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1").pause();
  t.after(() => socket.destroy());
  socket.write("GET /plugins/compiled-in/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  while (responses.length === 0) await sleep(5);

  const line = "x".repeat(8192);
  const written = 4000;
  for (let at = 0; at < written; at += 1) {
    logs.logOf("compiled-in").info(line);
    if (at % 100 === 0) await sleep(1);
  }
  const buffered = responses[0]?.writableLength ?? 0;
  assert.ok(buffered < 1024 * 1024, `${buffered} bytes`);

  let read = "";
  socket.on("data", (chunk: Buffer) => (read += chunk.toString())).resume();
  const leftOut = (): number => {
    const told = read.matchAll(/(\d+) lines? left out: they came faster than they were read\n/g);
    return [...told].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const told = (): number => read.split(line).length - 1 + leftOut();
  for (let at = 0; told() < written && at < 1000; at += 1) await sleep(5);
  assert.equal(told(), written);
  assert.ok(leftOut() > 1000, `${leftOut()} left out`);
  logs.logOf("compiled-in").info("the next one");
  while (!read.includes("the next one")) await sleep(5);
});

const setsHostname = { permissions: { fields: { "container.preCreate": ["Hostname"] } } };
const setsMore = { permissions: { fields: { "container.preCreate": ["Hostname", "User"] } } };

/** A set as it is read from a file in the home. */
function setOf(h: Home, plugins: object[], more: object = {}): PluginSet {
  return parsePluginSet(JSON.stringify({ ...more, plugins }), join(h.root, "plugins.json"));
}

async function applied(daemon: Daemon, set: PluginSet): Promise<{ changed: string[]; failed: string[] }> {
  const { changed, failed } = await daemon.manager.sets.applyEach(set);
  return {
    changed: changed.map(({ name, action }) => `${action} ${name}`),
    failed: failed.map(({ name, error }) => `${name}: ${error.message}`),
  };
}

const nothing = { changed: [], failed: [] };

test("a set installs what is missing, replaces what has changed, and does nothing when it holds", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  h.plugin("tool");
  const archive = join(h.root, "packed.tgz");
  execFileSync("tar", ["-czf", archive, "-C", h.plugin("packed", { hostname: "by-archive" }), "."]);
  const set = setOf(h, [
    { name: "tool", source: "./sources/tool" },
    { name: "packed", source: "./packed.tgz", enabled: false },
    { name: "compiled-in", enabled: false },
  ]);
  const first = await applied(daemon, set);
  assert.deepEqual(first, { changed: ["install tool", "install packed", "disable compiled-in"], failed: [] });
  assert.equal(await hostname(daemon), "tool");
  assert.deepEqual(await applied(daemon, set), nothing);
  await daemon.close();

  const again = await h.daemon();
  assert.deepEqual(await applied(again, set), nothing, "also not after a restart");
  assert.equal((await again.manager.inspect("packed")).Enabled, false);
  h.plugin("tool", { hostname: "changed" });
  execFileSync("touch", [join(h.root, "sources/tool/package.json")]);
  assert.deepEqual(await applied(again, set), { changed: ["replace tool"], failed: [] });
  assert.equal(await hostname(again), "changed");
  assert.equal(readdirSync(join(h.root, "installed")).length, 2, "nothing of the old version is left, nor of what was looked at");
  assert.deepEqual(await applied(again, setOf(h, [{ name: "packed" }, { name: "compiled-in" }])), {
    changed: ["enable packed", "enable compiled-in"],
    failed: [],
  });
  assert.equal((await again.manager.inspect("tool")).Enabled, true, "what is not named is left alone");
});

test("a plugin of a set that cannot be as it is wanted is told and stays as it was, and the others go on", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") });
  h.plugin("tool", { code: "preCreate() {} });\nthrow new Error('rotten'); ({" });
  h.plugin("other");
  const { changed, failed } = await applied(
    daemon,
    setOf(h, [
      { name: "tool", source: "./sources/tool" },
      { name: "gone", source: "./nowhere" },
      { name: "unknown" },
      { name: "misnamed", source: "./sources/other" },
      { name: "other", source: "./sources/other", version: "2.0.0" },
      { name: "compiled-in", configuration: {} },
    ]),
  );
  assert.deepEqual(changed, []);
  assert.equal(failed.length, 6);
  const expected = [
    /^tool: plugin "tool" could not be started: .*/,
    /^gone: there is no folder or archive \S+nowhere/,
    /^unknown: plugin unknown is neither installed nor compiled in, and its entry names no source/,
    /^misnamed: \S+other is plugin "other", its entry is named "misnamed"/,
    /^other: plugin other is there in version 1\.0\.0, its entry wants 2\.0\.0/,
    /^compiled-in: plugin compiled-in is compiled into the daemon: a set may enable and disable it/,
  ];
  for (const [index, pattern] of expected.entries()) assert.match(failed[index] ?? "", pattern);
  assert.equal(await hostname(daemon), "tool");
  assert.equal(readdirSync(join(h.root, "installed")).length, 1);
  const off = await applied(daemon, setOf(h, [{ name: "tool", source: "./nowhere", enabled: false }]));
  assert.deepEqual(off.changed, ["disable tool"], "one that is to be kept out is, whatever else is wrong with it");
});

test("a set decides about settings and order, and a complete one about all installed plugins", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const pouch = { configuration: { type: "object", properties: { suffix: { type: "string" } } } };
  const code =
    "preCreate(config, { configuration }) { config.Hostname = `${config.Hostname ?? ''}${configuration.suffix ?? '-'}`; }";
  for (const name of ["a", "b"]) await daemon.manager.install({ reference: h.plugin(name, { pouch, code }) });
  const set = setOf(h, [
    { name: "b", configuration: { suffix: "B" } },
    { name: "a", configuration: { suffix: "A" } },
  ]);
  assert.deepEqual((await applied(daemon, set)).changed, ["configure b", "configure a"]);
  assert.equal(await hostname(daemon), "BA");
  assert.deepEqual(await applied(daemon, set), nothing);
  const wrong = await applied(daemon, setOf(h, [{ name: "a", configuration: { suffix: 1 } }]));
  assert.match(wrong.failed[0] ?? "", /^a: configuration of plugin "a": suffix must be string, got 1/);
  assert.equal(await hostname(daemon), "BA");
  const complete = setOf(h, [{ name: "a" }], { complete: true });
  assert.deepEqual((await applied(daemon, complete)).changed, ["configure a", "remove b"]);
  assert.equal(await hostname(daemon), "-");
  assert.equal((await daemon.manager.inspect("compiled-in")).Enabled, true);
  assert.equal(readdirSync(join(h.root, "installed")).length, 1);
});

test("before the daemon's start has called plugins a set calls no daemon point of those it brings in or takes out", async (t) => {
  const h = home(t);
  const file = join(h.root, "called");
  const pouch = { points: ["daemon.preStartHook", "daemon.preStopHook"] };
  const source = h.plugin("tool", { pouch });
  const hook = (name: string): string => `${name}() { appendFileSync(${JSON.stringify(file)}, "${name} "); }`;
  writeFileSync(
    join(source, "index.ts"),
    `import { appendFileSync } from "node:fs"; import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
     registerDaemonPlugin({ ${hook("preStartHook")}, ${hook("preStopHook")} });`,
  );
  let begun = false;
  const daemon = await h.daemon({ daemonBegun: () => begun });
  assert.deepEqual((await applied(daemon, setOf(h, [{ name: "tool", source }]))).changed, ["install tool"]);
  await daemon.host.preStartHook();
  begun = true;
  assert.deepEqual((await applied(daemon, setOf(h, [{ name: "tool", enabled: false }]))).changed, ["disable tool"]);
  assert.equal(readFileSync(file, "utf8"), "preStartHook preStopHook ");
});

test("of a set with a plugin that does not start nothing was in force meanwhile", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const file = join(h.root, "called");
  const pouch = { points: ["daemon.preStartHook", "daemon.preStopHook"] };
  const write = (version: string): string => {
    const source = h.plugin("tool", { pouch, version });
    const hook = (name: string): string => `${name}() { appendFileSync(${JSON.stringify(file)}, "${version} ${name} "); }`;
    writeFileSync(
      join(source, "index.ts"),
      `import { appendFileSync } from "node:fs"; import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
       registerDaemonPlugin({ ${hook("preStartHook")}, ${hook("preStopHook")} });`,
    );
    return source;
  };
  await daemon.manager.install({ reference: write("1.0.0") });
  writeFileSync(file, "");
  const wanted = [
    { name: "tool", source: write("2.0.0") },
    { name: "broken", source: h.plugin("broken", { code: "preCreate() {} });\nthrow new Error('rotten'); ({" }) },
  ];
  await assert.rejects(daemon.manager.sets.applyAll(setOf(h, wanted)), /could not be started: rotten/);
  assert.equal(readFileSync(file, "utf8"), "");
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Version, "1.0.0");
  assert.equal(readdirSync(join(h.root, "run")).length, 1, "the process of the new version has ended");
  await daemon.manager.sets.applyAll(setOf(h, wanted.slice(0, 1)));
  assert.equal(readFileSync(file, "utf8"), "1.0.0 preStopHook 2.0.0 preStartHook ");
});

test("a set that is applied as a whole is in force, or nothing of it is, and a dry run only looks", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: h.plugin("tool") });
  await daemon.manager.install({ reference: h.plugin("old") });
  h.plugin("tool", { hostname: "changed", version: "1.1.0" });
  h.plugin("broken", { code: "preCreate() {} });\nthrow new Error('rotten'); ({" });
  const wanted = [
    { name: "compiled-in", enabled: false },
    { name: "old", enabled: false },
    { name: "tool", source: "./sources/tool" },
  ];
  const broken = { name: "broken", source: "./sources/broken" };
  const before = JSON.stringify(daemon.manager.exportSet());
  const sees = async (): Promise<unknown> => {
    const { Hostname, Domainname } = await daemon.host.preCreate(sampleContainerConfig(), {});
    return [Hostname, Domainname, readdirSync(join(h.root, "installed")).length];
  };
  const at = await sees();

  const dry = await daemon.manager.sets.applyAll(setOf(h, wanted), { dryRun: true });
  const told = dry.changed.map(({ name, action, from, to }) => [
    name,
    action,
    from?.version,
    to?.version,
    from?.enabled,
    to?.enabled,
  ]);
  assert.deepEqual(told, [
    ["compiled-in", "disable", undefined, undefined, undefined, false],
    ["old", "disable", "1.0.0", "1.0.0", true, false],
    ["tool", "replace", "1.0.0", "1.1.0", true, true],
  ]);
  assert.deepEqual(dry.order?.to, ["compiled-in", "old", "tool"]);
  assert.deepEqual([await sees(), JSON.stringify(daemon.manager.exportSet())], [at, before]);

  await assert.rejects(daemon.manager.sets.applyAll(setOf(h, [...wanted, broken])), /plugin "broken" could not be started/);
  await assert.rejects(daemon.manager.sets.applyAll(setOf(h, [...wanted, { name: "gone" }])), /plugin gone is neither installed/);
  assert.deepEqual([await sees(), JSON.stringify(daemon.manager.exportSet())], [at, before], "all is as it was");

  await daemon.manager.sets.applyAll(setOf(h, wanted));
  assert.deepEqual(await sees(), ["changed", undefined, 2]);
  assert.deepEqual((await daemon.manager.sets.applyAll(setOf(h, wanted))).changed, []);
});

test("what a set that fails cannot put back keeps the folder it runs from, and whoever applies it hears so", async (t) => {
  const h = home(t);
  let settings = {};
  const daemon = await h.daemon({ configurationOf: (name) => (name === "tool" ? settings : undefined) });
  const takes = (member: string): Record<string, unknown> => ({
    configuration: { type: "object", properties: { [member]: { type: "string" } }, additionalProperties: false },
  });
  const versions = { old: { pouch: takes("old") }, new: { pouch: takes("new"), hostname: "new", version: "2.0.0" } };
  await daemon.manager.install({ reference: h.plugin("tool", versions.old) });
  const source = h.plugin("tool", versions.new);
  settings = { new: "x" };
  const broken = h.plugin("broken", { pouch: { points: ["daemon.preStartHook"] } });
  writeFileSync(
    join(broken, "index.ts"),
    `import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
     registerDaemonPlugin({ preStartHook() { throw new Error("not today"); } });`,
  );
  const wanted = [
    { name: "tool", source },
    { name: "broken", source: broken },
  ];
  const refused = await daemon.manager.sets.applyAll(setOf(h, wanted)).then(
    () => assert.fail("it was applied"),
    (error: Error) => error.message,
  );
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Version, "2.0.0");
  const [folder = "", ...more] = folders(h);
  assert.deepEqual(more, []);
  assert.match(readFileSync(join(h.root, "installed", folder, "package.json"), "utf8"), /"version":"2\.0\.0"/);
  assert.match(refused, /not today.*; plugin tool could not be put back as it was: configuration of plugin "tool": /s);
  await daemon.manager.disable("tool");
  await daemon.manager.enable("tool");
  assert.equal(await hostname(daemon), "new");
  assert.deepEqual((await daemon.manager.sets.applyAll(setOf(h, wanted.slice(0, 1)))).changed, []);
});

test("a set that fails on a full disk leaves the folder of each plugin that is on record", async (t) => {
  const h = home(t);
  const { daemon, disk } = await onFullDisk(h);
  const broken = h.plugin("broken", { pouch: { points: ["daemon.preStartHook"] } });
  const file = join(h.root, "called");
  writeFileSync(
    join(broken, "index.ts"),
    `import { writeFileSync } from "node:fs"; import { registerDaemonPlugin } from "@pouchcontainer/plugin-sdk";
     registerDaemonPlugin({ async preStartHook() { writeFileSync(${JSON.stringify(file)}, ""); await new Promise(() => undefined); } });`,
  );
  const applying = daemon.manager.sets.applyAll(
    setOf(h, [
      { name: "tool", source: h.plugin("tool") },
      { name: "broken", source: broken },
    ]),
  );
  const refused = assert.rejects(applying, /plugin tool could not be put back as it was: no space left on the device/);
  while (!existsSync(file)) await sleep(10);
  disk.full = true;
  await Promise.all([daemon.manager.disable("broken", { force: true }).catch(() => undefined), refused]);
  disk.full = false;
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.State, "running");
  await daemon.manager.disable("tool");
  await daemon.manager.enable("tool");
  assert.equal(await hostname(daemon), "tool");
  assert.equal(folders(h).length, 1);
});

test("a set brings in what asks for more than was granted where its entry grants all, and says so when exported", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const wish = { name: "tool", source: "./sources/tool" };
  const grants = { ...wish, grantAllPermissions: true };
  h.plugin("tool", { pouch: setsHostname, hostname: "old" });
  h.plugin("other", { hostname: "other" });
  const others = { name: "other", source: "./sources/other", enabled: false };
  const refused = await applied(daemon, setOf(h, [wish, others]));
  assert.deepEqual(refused.changed, ["install other"]);
  assert.match(
    refused.failed.join("\n"),
    /^tool: plugin "tool" asks for privileges that were not granted: .*"grantAllPermissions": true/,
  );
  await assert.rejects(daemon.manager.sets.applyAll(setOf(h, [wish])), { kind: "forbidden" });
  await assert.rejects(daemon.manager.sets.applyAll(setOf(h, [wish]), { dryRun: true }), { kind: "forbidden" });
  assert.equal(readdirSync(join(h.root, "installed")).length, 1);

  const added = async (): Promise<unknown> => {
    const [change] = (await daemon.manager.sets.applyAll(setOf(h, [grants]), { dryRun: true })).changed;
    return change?.granted?.map(({ Name, Value }) => [Name, ...Value]);
  };
  assert.deepEqual(await added(), [
    ["fields at container.preCreate", "Hostname"],
    ["user", "root"],
  ]);
  assert.deepEqual(await applied(daemon, setOf(h, [grants])), { changed: ["install tool"], failed: [] });
  h.plugin("tool", { pouch: setsHostname, hostname: "old", version: "1.0.1" });
  assert.equal(await added(), undefined, "it asks for no more");
  h.plugin("tool", { pouch: setsMore, hostname: "old" });
  assert.deepEqual(await added(), [["fields at container.preCreate", "User"]]);
  h.plugin("tool", { hostname: "old" });
  assert.deepEqual(await added(), [["everything", "true"]]);
  h.plugin("tool", { pouch: setsHostname, hostname: "old" });
  assert.equal(await hostname(daemon), "old");
  assert.deepEqual(await applied(daemon, setOf(h, [wish])), nothing, "what was granted stays so");
  assert.equal(daemon.manager.exportSet().plugins.find(({ name }) => name === "tool")?.grantAllPermissions, true);
  await daemon.close();

  const again = await h.daemon();
  h.plugin("tool", { pouch: setsMore, hostname: "new", version: "2.0.0" });
  assert.match(
    (await applied(again, setOf(h, [wish]))).failed.join("\n"),
    /not granted: fields at container.preCreate: \[User\];/,
  );
  assert.equal(await hostname(again), "old");
  const { changed } = await again.manager.sets.applyAll(setOf(h, [grants]));
  assert.deepEqual(
    changed.map(({ action, granted }) => [action, granted?.flatMap(({ Value }) => Value)]),
    [["replace", ["User"]]],
  );
  assert.equal(await hostname(again), "new");
});

test("an exported set brings back what there was, and changes nothing of it", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const pouch = { configuration: { type: "object", properties: { word: { type: "string" } } } };
  for (const name of ["a", "b"])
    await daemon.manager.install({ reference: h.plugin(name, { pouch }) }, name === "a" ? { configuration: { word: "x" } } : {});
  await daemon.manager.setOrder(["b", "a"]);
  await daemon.manager.disable("b");
  const file = daemon.manager.exportSet();
  assert.deepEqual(file, {
    complete: true,
    plugins: [
      { name: "b", source: join(h.root, "sources/b"), version: "1.0.0", enabled: false },
      { name: "a", source: join(h.root, "sources/a"), version: "1.0.0", enabled: true, configuration: { word: "x" } },
      { name: "compiled-in", enabled: true },
    ],
  });
  const set = parsePluginSet(JSON.stringify(file), "/exported.json");
  const { changed } = await daemon.manager.sets.applyAll(set);
  assert.deepEqual(changed, []);
  await daemon.manager.remove("b");
  await daemon.manager.install({ reference: h.plugin("c") });
  const back = await daemon.manager.sets.applyAll(set);
  assert.deepEqual(
    back.changed.map(({ name, action }) => `${action} ${name}`),
    ["install b", "remove c"],
  );
  assert.deepEqual(daemon.manager.exportSet(), file);
});

test("a policy is installed from its folder, its file or an archive, and is a plugin as any other", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  const folder = policy(h, "rules", "Object{Hostname: 'ruled'}");
  const installed = await first.manager.install({ reference: folder });
  assert.deepEqual(
    [installed.Pouch?.Origin, installed.Pouch?.State, installed.Config.Interface.Socket],
    ["policy", "running", ""],
  );
  assert.equal(await hostname(first), "ruled");
  assert.deepEqual(first.host.trace.last({})[0]?.patch, [{ op: "add", path: "/Hostname", value: "ruled" }]);
  await first.manager.install({ reference: join(folder, "policy.json") });
  const archive = join(h.root, "rules.tar");
  execFileSync("tar", ["-cf", archive, "-C", folder, "policy.json"]);
  await first.manager.install({ archive: createReadStream(archive) });
  await first.close();
  const second = await h.daemon();
  assert.equal(await hostname(second), "ruled");
  await second.manager.disable("rules");
  assert.equal(await hostname(second), undefined);
  await second.manager.enable("rules");
  await second.manager.remove("rules", { force: true });
  assert.deepEqual(readdirSync(join(h.root, "installed")), []);
});

test("rules that are changed take over at a reload; wrong ones are refused, and the old ones stay in force", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const folder = policy(h, "rules", "Object{Hostname: 'old'}");
  await daemon.manager.install({ reference: folder });
  policy(h, "rules", "Object{Hostnam: 'new'}");
  const problem =
    /^policy "rules": policy\.mutations\[0\]\.applyConfiguration\.expression, line 1, column 8: there is no field Hostnam; there is Hostname, /;
  await assert.rejects(daemon.manager.reload("rules"), { kind: "invalidArgument", message: problem });
  await assert.rejects(daemon.manager.install({ reference: folder }, { enable: false }), { message: problem });
  assert.equal(await hostname(daemon), "old");
  assert.equal(readdirSync(join(h.root, "installed")).length, 1);
  policy(h, "rules", "Object{Hostname: 'new'}");
  await daemon.manager.reload("rules");
  assert.equal(await hostname(daemon), "new");
});

test("a rule that fails is the policy's failure: it leaves no trace in the body, and opens the circuit", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  await daemon.manager.install({ reference: policy(h, "rules", "Object{Hostname: object.Labels['none']}") });
  const failure = {
    kind: "internal",
    message:
      'plugin "rules" at container.preCreate: policy.mutations[0].applyConfiguration.expression failed: field not found: none',
  };
  for (let call = 0; call < 5; call += 1) await assert.rejects(hostname(daemon), failure);
  await assert.rejects(hostname(daemon), { kind: "unavailable" });
});

test("priority, filters and failure policy of policies are what they are for any plugin", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const made = async (labels: Record<string, string>): Promise<string | undefined> =>
    (await daemon.host.preCreate(sampleContainerConfig({ Labels: labels }), {})).Hostname;
  await daemon.manager.install({ reference: policy(h, "last", "Object{Hostname: object.Hostname + '-last'}", { priority: 1 }) });
  await daemon.manager.install({ reference: policy(h, "first", "Object{Hostname: 'first'}", { priority: 2 }) });
  const filters = { labels: ["team=web"] };
  await daemon.manager.install({ reference: policy(h, "team", "Object{Hostname: 'team'}", { priority: 2, filters }) });
  assert.deepEqual([await made({}), await made({ team: "web" })], ["first-last", "team-last"]);
  await daemon.manager.setOrder(["team", "first"]);
  assert.equal(await made({ team: "web" }), "first-last");
  await daemon.manager.install({
    reference: policy(h, "last", "Object{Hostname: object.Labels['none']}", { priority: 1, failurePolicy: "ignore" }),
  });
  assert.equal(await made({}), "first");
});

test("a policy needs no grant and no warning for what its rules change, and is held to permissions where it lists them", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const { Pouch } = await daemon.manager.install({ reference: policy(h, "rules", "Object{Hostname: 'ruled'}") });
  assert.equal(Pouch?.Permissions?.Warning, null);
  const permissions = { fields: { "container.preCreate": ["User"] } };
  const held = { reference: policy(h, "held", "Object{Hostname: 'held'}", { permissions }) };
  await assert.rejects(daemon.manager.install(held), { kind: "forbidden" });
  await daemon.manager.install(held, { privileges: "all" });
  await assert.rejects(hostname(daemon), /plugin "held" at container.preCreate: it changed Hostname without a grant/);
  await daemon.manager.remove("held", { force: true });
  assert.equal(await hostname(daemon), "ruled");
  rmSync(join(h.root, "sources/rules"), { recursive: true });
  const code = { reference: h.plugin("rules", { pouch: setsHostname }) };
  await assert.rejects(daemon.manager.install(code), { kind: "forbidden" }, "rules were no grant for code");
  assert.equal(await hostname(daemon), "ruled");
});

test("a policy of a daemon that took more is there as a failed one, and its calls fail", async (t) => {
  const h = home(t);
  const first = await h.daemon();
  await first.manager.install({ reference: policy(h, "rules", "Object{Hostname: 'ruled'}") });
  await first.close();
  const store = Store.open(join(h.root, "store.db"));
  const records = store.collection<PluginRecord>("plugins");
  const record = records.get("rules");
  assert.ok(record?.installed);
  const packageJson = { ...(record.installed.packageJson as object), policy: { validations: [{ expression: "object.Gone" }] } };
  await records.put("rules", { ...record, installed: { ...record.installed, packageJson } });
  await store.close();
  const second = await h.daemon();
  await assert.rejects(hostname(second), /there is no field Gone/);
  const { Pouch } = await second.manager.inspect("rules");
  assert.deepEqual([Pouch?.Origin, Pouch?.State], ["policy", "failed"]);
});

test("a plugin is installed when what it asks for is granted, and keeps the grant across a restart", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const source = { reference: h.plugin("tool", { pouch: setsHostname }) };
  await assert.rejects(daemon.manager.install(source), {
    kind: "forbidden",
    message: /fields at container.preCreate: \[Hostname\]/,
  });
  await assert.rejects(daemon.manager.inspect("tool"), { kind: "notFound" });
  const { Missing } = await daemon.manager.privileges(source);
  const { Pouch } = await daemon.manager.install(source, { privileges: Missing });
  assert.deepEqual(Pouch?.Permissions, { Asked: Missing, Granted: Missing, Narrowed: null, Warning: null });
  assert.equal(await hostname(daemon), "tool");
  await daemon.close();

  const next = await h.daemon();
  assert.equal(await hostname(next), "tool");
  assert.deepEqual((await next.manager.privileges(source)).Missing, []);
  assert.deepEqual(readdirSync(join(h.root, "installed")).length, 1, "what was looked at is gone");
});

test("of a package that nobody has granted what it asks for npm is asked for nothing", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const reference = h.plugin("tool", { pouch: setsHostname });
  await daemon.manager.install({ reference }, { privileges: "all" });
  h.plugin("tool", { pouch: setsMore, version: "2.0.0" });
  const packageJson = JSON.parse(readFileSync(join(reference, "package.json"), "utf8")) as object;
  // Nothing is there: whoever looks for it fails.
  const dependencies = { dep: "git+https://127.0.0.1:1/dep.git" };
  writeFileSync(join(reference, "package.json"), JSON.stringify({ ...packageJson, dependencies }));
  const canary = { sharePercent: 50, failures: { calls: 3 } };
  for (const attempt of [
    () => daemon.manager.install({ reference }),
    () => daemon.manager.reload("tool"),
    () => daemon.manager.reload("tool", undefined, { canary }),
    () => daemon.manager.sets.applyAll(setOf(h, [{ name: "tool", source: reference }])),
  ])
    await assert.rejects(attempt(), { kind: "forbidden" });
  const { Fetches } = await daemon.manager.privileges({ reference });
  assert.deepEqual(Fetches, [`dep@${dependencies.dep}`]);
  await assert.rejects(daemon.manager.install({ reference }, { privileges: "all" }), /depends on could not be installed/);
});

test("a version that asks for more than was granted is refused, and the old one stays until it is granted", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const source = { reference: h.plugin("tool", { pouch: setsHostname, hostname: "old" }) };
  await daemon.manager.install(source, { privileges: "all" });
  h.plugin("tool", { pouch: setsMore, hostname: "new", version: "2.0.0" });
  for (const attempt of [() => daemon.manager.reload("tool"), () => daemon.manager.install(source)])
    await assert.rejects(attempt(), { kind: "forbidden", message: /not granted: fields at container.preCreate: \[User\];/ });
  assert.equal(await hostname(daemon), "old");
  assert.equal((await daemon.manager.reload("tool", undefined, { privileges: "all" })).Pouch?.Version, "2.0.0");
  assert.equal(await hostname(daemon), "new");
});

for (const [what, more, missing] of [
  ["gives its user up", {}, /not granted: user: \[root\];/],
  [
    "reads more of the daemon's environment",
    { user: "nobody", environment: ["REGISTRY_PASSWORD"] },
    /not granted: environment: \[REGISTRY_PASSWORD\];/,
  ],
] as const)
  test(`a version that ${what} waits for a grant, with permissions or without`, async (t) => {
    const h = home(t);
    const daemon = await h.daemon();
    for (const permissions of [setsHostname, {}]) {
      const old = { pouch: { ...permissions, user: "nobody" }, hostname: "old", version: "1.0.0" };
      const source = { reference: h.plugin("tool", old) };
      await daemon.manager.install(source, { privileges: "all" });
      h.plugin("tool", { pouch: { ...permissions, ...more }, hostname: "new", version: "2.0.0" });
      const canary = { sharePercent: 50, failures: { calls: 3 } };
      for (const attempt of [
        () => daemon.manager.reload("tool"),
        () => daemon.manager.reload("tool", undefined, { canary }),
        () => daemon.manager.install(source),
        () => daemon.manager.sets.applyAll(setOf(h, [{ name: "tool", source: "./sources/tool" }])),
      ])
        await assert.rejects(attempt(), { kind: "forbidden", message: missing });
      assert.equal(await hostname(daemon), "old");
      const { Missing } = await daemon.manager.privileges(source);
      await daemon.manager.reload("tool", undefined, { privileges: Missing });
      assert.equal(await hostname(daemon), "new");
      await daemon.manager.remove("tool", { force: true });
    }
  });

test("a set that is exported brings in what asks for nothing but its user", async (t) => {
  const [from, to] = [home(t), home(t)];
  const [author, host] = [await from.daemon(), await to.daemon()];
  await author.manager.install({ reference: from.plugin("tool", { pouch: { permissions: {} } }) }, { privileges: "all" });
  const set = parsePluginSet(JSON.stringify(author.manager.exportSet()), "/exported.json");
  assert.deepEqual(
    (await host.manager.sets.applyAll(set)).changed.map(({ name, action }) => `${action} ${name}`),
    ["install tool"],
  );
});

test("of a plugin that asks for nothing by name inspect warns, and names what it did", async (t) => {
  const h = home(t);
  const daemon = await h.daemon();
  const { Pouch } = await daemon.manager.install({ reference: h.plugin("tool") });
  assert.match(Pouch?.Permissions?.Warning ?? "", /plugin "tool" has no permissions in its manifest and may do all/);
  assert.match(daemon.manager.logLines("tool").join("\n"), /has no permissions in its manifest/);
  await hostname(daemon);
  const report = daemon.manager.permissions("tool");
  assert.match(report.Warning ?? "", /would need fields at container.preCreate: \[Hostname\]$/);
  assert.deepEqual(report.Observed, setsHostname.permissions);
});

test("a field that is misspelt in permissions is warned of when the plugin is installed, and by inspect", async (t) => {
  const h = home(t);
  const narrowed = { fields: { "container.preCreate": ["Hostname", "Labels.*", "Nane"] } };
  const daemon = await h.daemon({ narrowedBy: (plugin) => (plugin === "narrowed" ? narrowed : undefined) });
  const misspelt = { permissions: { fields: { "container.preCreate": ["Hostname", "HostConfig.Memroy"] } } };
  const tool = h.plugin("tool", { pouch: { ...setsHostname, ...misspelt } });
  const { Pouch } = await daemon.manager.install({ reference: tool }, { privileges: "all" });
  const words = 'permissions of plugin "tool" name what no body at the point has: HostConfig.Memroy at container.preCreate';
  assert.equal(Pouch?.Permissions?.Warning, words);
  assert.ok(daemon.manager.logLines("tool").some((line) => line.includes(words)));
  assert.equal((await daemon.manager.inspect("tool")).Pouch?.Permissions?.Warning, words);
  await daemon.manager.install({ reference: h.plugin("narrowed", { pouch: setsHostname }) }, { privileges: "all" });
  assert.equal(
    (await daemon.manager.inspect("narrowed")).Pouch?.Permissions?.Warning,
    `the operator's permissions for "narrowed" name what no body at the point has: Nane at container.preCreate`,
  );
});

test("what the operator leaves of an installed plugin's permissions is in force, and shown", async (t) => {
  const h = home(t);
  const daemon = await h.daemon({ narrowedBy: (plugin) => (plugin === "tool" ? {} : undefined) });
  const { Pouch } = await daemon.manager.install({ reference: h.plugin("tool", { pouch: setsHostname }) }, { privileges: "all" });
  const { Asked, Granted } = Pouch?.Permissions ?? assert.fail();
  assert.deepEqual(
    [Asked.map(({ Name }) => Name), Granted.map(({ Name }) => Name)],
    [["fields at container.preCreate", "user"], ["user"]],
  );
  await assert.rejects(hostname(daemon), /it changed Hostname without a grant: the operator's permissions for it would need/);
});
