import type { HandlerSpec } from "@pouchcontainer/api";
import { catchLostErrors, type LostError } from "@pouchcontainer/owners";
import type { PluginKind, PluginKinds, PointName } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, InProcessPlugin, parseManifest, type Registration } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadBuiltinPlugins } from "./builtin-plugins.ts";
import { PluginHost } from "./plugin-host.ts";
import { PluginMetrics } from "./plugin-metrics.ts";

const checks = compileBodyChecks();

/** The runner has listeners of its own for what nobody catches; they step aside for a test about just that. */
function net(): { lost: LostError[] } & Disposable {
  const names = ["uncaughtException", "unhandledRejection"] as const;
  const others = names.map((name) => [name, process.listeners(name)] as const);
  for (const name of names) process.removeAllListeners(name);
  const lost: LostError[] = [];
  const caught = catchLostErrors((error) => lost.push(error));
  return {
    lost,
    [Symbol.dispose]: () => {
      caught[Symbol.dispose]();
      for (const [name, listeners] of others) for (const listener of listeners) process.on(name, listener);
    },
  };
}

function harness() {
  const clock = { now: 1000 };
  const log: string[] = [];
  const events: string[] = [];
  const metrics = new PluginMetrics();
  const host = new PluginHost({
    checks,
    logOf: (plugin) => {
      const at = (level: string) => (message: string) => void log.push(`${plugin} ${level} ${message}`);
      return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    },
    supervisorOf: () => ({ start: () => Promise.reject(new Error("no assistants in this test")) }),
    stateDirectoryOf: () => "/nowhere",
    events: { publish: ({ action, plugin, attributes }) => void events.push(`${action} ${plugin} ${attributes["point"]}`) },
    observers: [metrics],
    now: () => clock.now,
  });
  const add = <K extends PluginKind>(name: string, kind: K, plugin: PluginKinds[K]): InProcessPlugin => {
    const points = Object.keys(plugin).map((method) => `${kind}.${method}` as PointName);
    const manifest = parseManifest({ name, version: "1.0.0", pouch: { api: "1", points } });
    const registrations = [{ kind, plugin } as Registration];
    const instance = new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } });
    host.add(instance);
    return instance;
  };
  const late = (): string[] =>
    metrics
      .text()
      .split("\n")
      .filter((line) => line.startsWith("pouch_plugin_late_failures_total{"));
  return { host, clock, log, events, late, add };
}

test("what a built-in plugin throws after its call is told with its name, counted, and opens its circuit, and nobody else's", async () => {
  using caught = net();
  const { host, clock, log, events, late, add } = harness();
  let fail = (): void => void setTimeout(() => assert.fail("too late, with hunter2"), 1);
  add("careless", "container", { preCreate: () => fail() });
  add("other", "container", { preCreate: () => void 0 });
  const body = sampleContainerConfig({ Env: ["PASSWORD=hunter2"] });

  await host.preCreate(body, {});
  while (events.length === 0) await sleep(1);
  assert.deepEqual(events, ["circuit-open careless container.preCreate"]);
  assert.deepEqual(late(), ['pouch_plugin_late_failures_total{plugin="careless",place="container.preCreate"} 1']);
  assert.match(
    log[0] ?? "",
    /^careless error an error of its code \(container\.preCreate\) was caught by nobody: .*too late[^]* at /,
  );
  assert.doesNotMatch(log.join("\n"), /hunter2/);
  await assert.rejects(host.preCreate(body, {}), {
    kind: "unavailable",
    message:
      /^plugin "careless" at container\.preCreate: not called for another 30 s after an error of its code that nobody caught: .*disabling and enabling the plugin closes it at once$/,
  });

  fail = () => undefined;
  clock.now += 30_000;
  await host.preCreate(body, {});
  assert.equal(events.at(-1), "circuit-closed careless container.preCreate");
  fail = () => void Promise.reject(new Error("a promise nobody keeps"));
  await host.preCreate(body, {});
  while (events.length < 3) await sleep(1);
  assert.deepEqual(late(), ['pouch_plugin_late_failures_total{plugin="careless",place="container.preCreate"} 2']);
  assert.deepEqual(caught.lost, [], "the daemon's own count of defects has nothing to do with it");
});

test("a call that was under way when the circuit opened does not close it", async () => {
  using _caught = net();
  const { host, events, add } = harness();
  add("careless", "container", {
    preCreate: async () => {
      setTimeout(() => assert.fail("meanwhile"), 1);
      await sleep(10);
    },
  });
  await host.preCreate(sampleContainerConfig(), {});
  assert.deepEqual(events, ["circuit-open careless container.preCreate"]);
});

test("a listener to a call's signal that throws is its plugin's", async () => {
  using caught = net();
  const { host, late, add } = harness();
  add("listening", "container", {
    preCreate: (_config, { signal }) =>
      new Promise(() => signal.addEventListener("abort", () => assert.fail("at the end of its time"))),
  });
  const controller = new AbortController();
  const call = host.preCreate(sampleContainerConfig(), { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { kind: "cancelled" });
  while (late().length === 0) await sleep(1);
  assert.deepEqual(caught.lost, []);
});

test("a handler of a plugin's route fails as the plugin, an original it calls as the daemon, and its table goes on", async () => {
  using caught = net();
  const { host, events, late, add } = harness();
  const original: HandlerSpec = { method: "GET", path: "/info", handler: () => void setTimeout(() => assert.fail("mine"), 1) };
  const untouched: HandlerSpec = { method: "GET", path: "/version", handler: () => undefined };
  add("routes", "api", {
    updateHandler: (handlers) => {
      const spec = handlers.find(({ path }) => path === "/info");
      const handler = spec?.handler ?? assert.fail("the table has it");
      if (spec !== undefined)
        spec.handler = (...args) => {
          setTimeout(() => assert.fail("the plugin's"), 1);
          return handler(...args);
        };
    },
  });
  const table = await host.updateHandlers([original, untouched]);
  assert.equal(table.find(({ path }) => path === "/version")?.handler, untouched.handler, "what it left alone is as it was");
  // Neither handler looks at them.
  const [request, response] = [{}, {}] as [IncomingMessage, ServerResponse];
  await table.find(({ path }) => path === "/info")?.handler(request, response, {});
  while (late().length + caught.lost.length < 2) await sleep(1);
  assert.deepEqual(late(), ['pouch_plugin_late_failures_total{plugin="routes",place="route"} 1']);
  assert.deepEqual(
    caught.lost.map(({ error }) => (error as Error).message),
    ["mine"],
  );
  assert.deepEqual(events, []);
});

test("what a built-in plugin's module began and throws later is the plugin's, at all of its points", async () => {
  using caught = net();
  const { host, events, late } = harness();
  const { registerContainerPlugin } = await import("@pouchcontainer/plugin-sdk");
  const packageJson = {
    name: "restless",
    version: "1.0.0",
    pouch: { api: "1", points: ["container.preCreate", "container.preStart"] },
  };
  const load = async (): Promise<void> => {
    registerContainerPlugin({ preCreate: () => undefined, preStart: () => [] });
    setTimeout(() => assert.fail("in its sleep"), 1);
  };
  await loadBuiltinPlugins({ host, plugins: [{ packageJson, load }], configurationOf: () => undefined, environment: {} });
  while (events.length < 2) await sleep(1);
  assert.deepEqual(events, ["circuit-open restless container.preCreate", "circuit-open restless container.preStart"]);
  assert.deepEqual(late(), ['pouch_plugin_late_failures_total{plugin="restless",place="module"} 1']);
  assert.deepEqual(caught.lost, []);
});

test("a plugin that is taken out and put in again starts with a closed circuit", async () => {
  const { host, add } = harness();
  const instance = add("down", "container", { validateCreate: () => assert.fail("down") });
  for (let round = 0; round < 6; round += 1) await assert.rejects(host.preCreate(sampleContainerConfig(), {}));
  const open = (): boolean | undefined => host.registry.chain("container.validateCreate")[0]?.breaker.isOpen;
  assert.equal(open(), true);
  host.registry.reorder(["down"]);
  assert.equal(open(), true, "another order changes nothing");
  host.registry.remove("down");
  host.add(instance);
  assert.equal(open(), false);
});
