import { forbidden, unavailable } from "@pouchcontainer/errors";
import { jsonStream, readJson, rewriteJson, type PluginKinds, type PointName } from "@pouchcontainer/plugin-sdk";
import { InProcessPlugin, parseManifest, type PluginInstance, type Registration } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainer } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { body, harness, type Harness } from "../host-harness.ts";
import { Canary, linksOf } from "./canary.ts";
import type { CanaryOptions } from "./canary-options.ts";

interface World extends Harness {
  canary: Canary;
  /** What was passed. */
  passed: string[];
  /** What decides about the next call: below the share it is the canary's. */
  dice: { random: number };
  /** Version and outcome of each call. */
  calls: () => string[];
}

type Container = PluginKinds["container"];

function instanceOf(version: string, plugin: Container, pouch: object = {}): PluginInstance {
  const points = Object.keys(plugin).map((method) => `container.${method}` as PointName);
  const manifest = parseManifest({ name: "tool", version, pouch: { api: "1", points, ...pouch } });
  const registrations = [{ kind: "container", plugin } as Registration];
  return new InProcessPlugin({ manifest, registrations, settings: { configuration: {}, environment: {} } });
}

function world(
  old: Container,
  fresh: Container,
  options: Partial<CanaryOptions> & { pouch?: object; isReady?: boolean; onCrash?: PluginInstance["onCrash"] } = {},
): World {
  const made = harness();
  const slot = made.host.add(instanceOf("1.0.0", old));
  const { isReady = true, onCrash = () => undefined } = options;
  const instance = Object.assign(instanceOf("2.0.0", fresh, options.pouch), { isReady, onCrash });
  const passed: string[] = [];
  const dice = { random: 0 };
  const canary = new Canary({
    instance,
    options: { sharePercent: 5, failures: { calls: 3 }, ...options },
    links: linksOf(made.host.registry, slot, instance),
    since: 0,
    random: () => dice.random,
    warn: (message) => void made.log.push(message),
    passed: (reason) => void passed.push(reason),
  });
  slot.canary = canary;
  const calls = (): string[] => made.host.trace.last().map(({ version, outcome }) => `${version} ${outcome}`);
  return { ...made, canary, passed, dice, calls };
}

/** Sets the host name. */
const named = (name: string): Container => ({ preCreate: (config) => void (config.Hostname = name) });

test("a canary takes its share of the calls, and traces say which version made each", async () => {
  const { host, dice, calls, canary } = world(named("old"), named("new"));
  dice.random = 0.0499;
  assert.equal((await host.preCreate(body(), {})).Hostname, "new");
  dice.random = 0.05;
  assert.equal((await host.preCreate(body(), {})).Hostname, "old");
  assert.deepEqual(calls(), ["2.0.0 changed", "1.0.0 changed"]);
  assert.deepEqual(canary.facts, {
    Version: "2.0.0",
    Share: "5%",
    Since: "1970-01-01T00:00:00.000Z",
    Calls: 1,
    Failures: 0,
    SlowCalls: 0,
    Crashes: 0,
    FailureLimit: "3",
    MaxMs: null,
    PromoteAt: null,
  });
});

test("of a share that is given each call has that chance", async () => {
  const { host, dice, canary } = world(named("old"), named("new"), { sharePercent: 2.5 });
  for (let call = 0; call < 1000; call += 1) {
    dice.random = call / 1000;
    await host.preCreate(body(), {});
  }
  assert.equal(canary.facts.Calls, 25);
});

test("what the canary fails the old version answers, of the request as it was; the limit is passed once", async () => {
  const boom: Container = {
    preCreate(config) {
      config.Env = [];
      config.Labels = { spoilt: "yes" };
      throw new Error("boom");
    },
  };
  const { host, passed, calls, log } = world({ preCreate: (config) => void config.Env?.push("OLD=1") }, boom);
  for (let call = 0; call < 4; call += 1) {
    const made = await host.preCreate(body(), {});
    assert.deepEqual([made.Env, made.Labels], [["A=1", "OLD=1"], undefined]);
  }
  assert.deepEqual(calls().slice(0, 2), ["2.0.0 failed", "1.0.0 changed"]);
  assert.deepEqual(passed, [`of its 3 calls 3 failed, the last: plugin "tool" at container.preCreate: boom (the limit: 3)`]);
  assert.equal(
    log[0],
    `its canary 2.0.0 failed, and the version before it was asked instead: plugin "tool" at container.preCreate: boom`,
  );
});

test("a canary whose failures are to be ignored is no less answered for", async () => {
  const { host } = world(named("old"), { preCreate: () => assert.fail("boom") }, { pouch: { failurePolicy: "ignore" } });
  assert.equal((await host.preCreate(body(), {})).Hostname, "old");
});

test("what is late, invalid or not permitted is a failure; what refuses is an answer", async () => {
  const fresh: Container = {
    preCreate(config) {
      if (config.Image === "late") return new Promise(() => undefined);
      if (config.Image === "invalid") return { ...config, HostConfig: { Memory: "lots" } } as never;
      if (config.Image === "refuse") throw forbidden("not here");
      config.Hostname = "new";
      return config;
    },
  };
  const pouch = { timeoutMs: 20, permissions: { fields: { "container.preCreate": ["User"] } } };
  const { host, canary, calls } = world(named("old"), fresh, { pouch });
  for (const image of ["late", "invalid", "unpermitted"])
    assert.equal((await host.preCreate(body({ Image: image }), {})).Hostname, "old");
  assert.equal(canary.facts.Failures, 3);
  await assert.rejects(host.preCreate(body({ Image: "refuse" }), {}), { kind: "forbidden", message: /not here/ });
  assert.deepEqual([canary.facts.Failures, canary.facts.Calls, calls().at(-1)], [3, 4, "2.0.0 failed"]);
});

test("what the daemon finds wrong with an answer is a failure of the canary, also where a client would be told a conflict", async () => {
  const sets = (value: number): Container => ({ preCreate: (config) => void (config.HostConfig.Memory = value) });
  const { host, add, canary } = world(sets(1), sets(2), { pouch: { onConflict: "error" } });
  add("first", "container", sets(1), { priority: 1 });
  assert.equal((await host.preCreate(body(), {})).HostConfig.Memory, 1);
  assert.equal(canary.facts.Failures, 1);
});

test("slow calls count though their answers do", async () => {
  const slow: Container = {
    async preCreate(config) {
      await sleep(30);
      config.Hostname = "slow";
    },
  };
  const { host, passed } = world(named("old"), slow, { maxMs: 5, failures: { calls: 2 } });
  for (let call = 0; call < 2; call += 1) assert.equal((await host.preCreate(body(), {})).Hostname, "slow");
  assert.deepEqual(passed, ["of its 2 calls 2 took longer than 5 ms (the limit: 2)"]);
});

test("of a caller who goes away nothing is counted or made again", async () => {
  const { host, canary, calls } = world(named("old"), { preCreate: () => new Promise(() => undefined) });
  const gone = new AbortController();
  const call = host.preCreate(body(), { signal: gone.signal });
  gone.abort();
  await assert.rejects(call, { kind: "cancelled" });
  assert.deepEqual([canary.facts.Calls, calls()], [0, ["2.0.0 failed"]]);
});

test("what it does not get, its process being away or its circuit open, the old version answers at once, and is no failure", async () => {
  const boom: Container = { preCreate: () => assert.fail("boom") };
  const away = world(named("old"), boom, { isReady: false });
  const failing = world(named("old"), boom, { failures: { calls: 100 } });
  for (const { host } of [away, failing])
    for (let call = 0; call < 8; call += 1) assert.equal((await host.preCreate(body(), {})).Hostname, "old");
  assert.deepEqual([away.canary.facts.Calls, away.canary.facts.Failures, away.canary.hasShown], [0, 0, false]);
  assert.deepEqual([failing.canary.facts.Calls, failing.canary.facts.Failures], [5, 5], "the circuit opens at 5");
  assert.equal(failing.calls().filter((call) => call.includes("skipped")).length, 0);
});

test("a crash counts once, whatever calls it had then", async () => {
  let crash = (_how: string): void => assert.fail("nobody hears of it");
  const onCrash = (hear: (how: string) => void): void => void (crash = hear);
  const calls = Array.from({ length: 4 }, () => Promise.withResolvers<undefined>());
  const waiting = calls.values();
  const fresh: Container = { preCreate: () => waiting.next().value?.promise };
  const { host, canary, passed } = world(named("old"), fresh, { onCrash, failures: { calls: 2 } });
  const answers = calls.map(() => host.preCreate(body(), {}));
  await turn();
  for (const { reject } of calls.slice(0, 2)) reject(unavailable("its process does not answer: socket hang up"));
  crash("its process ended with status 3");
  for (const { reject } of calls.slice(2)) reject(unavailable("its process closed the connection half way through the answer"));
  for (const { Hostname } of await Promise.all(answers)) assert.equal(Hostname, "old");
  await turn();
  const { Calls, Failures, Crashes } = canary.facts;
  assert.deepEqual([Calls, Failures, Crashes, passed], [4, 0, 1, []]);
  crash("its process could not be started again: no");
  assert.deepEqual(passed, ["it crashed 2 times, the last time: its process could not be started again: no (the limit: 2)"]);
});

test("streams, hooks, what is asked and what is told is given to the old version whole", async () => {
  const told: string[] = [];
  const boom = (): never => assert.fail("boom");
  const points = { preUpdate: boom, preStart: boom, preRemove: boom, postStart: boom, postUpdate: boom };
  const old: Container = {
    preUpdate: (stream) => rewriteJson(stream, (value) => void (value["seen"] = true)),
    preStart: () => [{ priority: 1, args: ["/bin/old"] }],
    preRemove: ({ Name }) => void told.push(`remove ${Name}`),
    postStart: ({ Name }) => void told.push(`start ${Name}`),
    postUpdate: (_rootfs, env) => [...env, "OLD=1"],
  };
  const { host, canary } = world(old, points, { failures: { calls: 100 } });
  const container = sampleContainer({ Name: "web" });
  assert.deepEqual(await readJson(await host.preUpdate(jsonStream({ Memory: 1 }), {})), { Memory: 1, seen: true });
  assert.deepEqual(
    (await host.preStart(container, {})).map(({ args }) => args),
    [["/bin/old"]],
  );
  await host.ask("container.preRemove", () => ({ container }), {});
  await host.tell("container.postStart", () => ({ container }), {});
  assert.deepEqual(await host.postUpdate((use) => use("/rootfs"), ["A=1"], {}), { env: ["A=1", "OLD=1"] });
  assert.deepEqual(told, ["remove web", "start web"]);
  assert.deepEqual([canary.facts.Failures, canary.facts.Calls], [5, 5]);
});

test("what one version does for good stays with the old one", () => {
  const { host, add } = harness();
  add("tool", "daemon", { preStartHook: () => undefined });
  add("router", "api", { updateHandler: (handlers) => handlers });
  for (const slot of host.registry.slots()) {
    assert.ok(slot.instance);
    assert.equal(linksOf(host.registry, slot, slot.instance).size, 0, slot.name);
  }
});
