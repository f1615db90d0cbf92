import { internal, isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fakePods } from "./testing/fake-pods.ts";
import { samplePodConfig } from "./sample-config.ts";

const config = samplePodConfig();
const kind =
  (...kinds: Parameters<typeof isKind>[1][]) =>
  (error: unknown): boolean =>
    isKind(error, ...kinds);

test("the record is durable before anything is made, and the result of ADD with the pod's being ready", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const pod = await pods.run(config);
  assert.deepEqual(fake.steps, ["put making", "make", "ADD", "put ready"]);
  assert.deepEqual([pod.state, pod.ips], ["ready", ["192.0.2.7"]]);
  assert.deepEqual(pod.network?.result?.ips, [{ address: "192.0.2.7/24" }]);
  assert.equal(pods.get(pod.id.slice(0, 8)).id, pod.id);
});

for (const at of ["put making", "make", "ADD", "put ready"])
  test(`a run that fails at "${at}" is taken back, DEL included, and its name is free`, async (t) => {
    const fake = fakePods(t);
    const pods = fake.open();
    fake.faults.set(at, () => Promise.reject(internal("refused")));
    await assert.rejects(pods.run(config), /refused/);
    assert.deepEqual(fake.steps.slice(-3), ["DEL", "take down", "delete"]);
    assert.deepEqual([...fake.records], []);
    fake.faults.clear();
    await pods.run(config);
  });

test("of a run that fails the namespace stays until the plugins have done their part", async (t) => {
  const fake = fakePods(t);
  fake.faults.set("ADD", () => Promise.reject(internal("refused")));
  fake.faults.set("DEL", () => Promise.reject(internal("busy")));
  await assert.rejects(fake.open().run(config), /refused/);
  assert.deepEqual(fake.steps.slice(-2), ["ADD", "DEL"]);
  fake.faults.clear();
  await fake.open().recover();
  assert.deepEqual(fake.steps.slice(2), ["ADD", "DEL", "DEL", "take down", "delete", "GC"]);
  assert.deepEqual([...fake.records], []);
});

test("a pod that is being made is shown to nobody, and a run can be cancelled", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const cancel = new AbortController();
  fake.faults.set("make", () => {
    const [id = ""] = fake.records.keys();
    assert.deepEqual(pods.list(), []);
    assert.throws(() => pods.get(id), kind("notFound"));
    cancel.abort();
    return Promise.resolve();
  });
  await assert.rejects(pods.run(config, { signal: cancel.signal }), kind("cancelled"));
  assert.deepEqual([...fake.records], []);
  assert.ok(!fake.steps.includes("ADD"));
});

test("a name is one pod's, also while it is being made", async (t) => {
  const pods = fakePods(t).open();
  const [first, second] = await Promise.allSettled([pods.run(config), pods.run(config)]);
  assert.equal(first.status, "fulfilled");
  assert.ok(second.status === "rejected" && isKind(second.reason, "alreadyExists"));
  await pods.run({ ...config, metadata: { ...config.metadata, attempt: 1 } });
});

test("what becomes of a pod is told once, and of one that could not be made nothing", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  fake.faults.set("ADD", () => Promise.reject(internal("refused")));
  await assert.rejects(pods.run(config), /refused/);
  assert.deepEqual(fake.told, []);
  fake.faults.clear();
  const { id } = await pods.run(config);
  assert.deepEqual(fake.told, ["create", "start"]);
  for (let times = 0; times < 2; times++) await pods.stop(id);
  for (let times = 0; times < 2; times++) await pods.remove(id);
  assert.deepEqual(fake.told, ["create", "start", "die", "destroy"]);
});

test("a stop takes containers first, and a second one has nothing to do", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const { id } = await pods.run(config);
  fake.steps.length = 0;
  fake.stopped = () => assert.throws(() => pods.membershipOf(id, { logPath: "" }), kind("failedPrecondition"));
  await pods.stop(id);
  await pods.stop(id);
  await pods.stop("unknown");
  const once = ["put notReady", "stop containers", "DEL with result", "take down", "put notReady"];
  assert.deepEqual(fake.steps, [...once, "stop containers"]);
  assert.deepEqual([pods.get(id).ips, pods.get(id).network], [["192.0.2.7"], undefined]);
});

test("a DEL that fails leaves a pod that is not ready and can be stopped again", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const { id } = await pods.run(config);
  fake.faults.set("DEL with result", () => Promise.reject(internal("busy")));
  await assert.rejects(pods.stop(id), /busy/);
  await assert.rejects(pods.remove(id), /busy/);
  assert.ok(!fake.steps.includes("take down"));
  assert.equal(pods.get(id).state, "notReady");
  fake.faults.clear();
  await pods.remove(id);
  assert.deepEqual([...fake.records], []);
});

test("a removal stops the pod, removes its containers and forgets it; a second one has nothing to do", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const { id } = await pods.run(config);
  fake.steps.length = 0;
  await Promise.all([pods.remove(id), pods.remove(id)]);
  const steps = ["put removing ready", "put removing notReady", "stop containers", "DEL with result", "take down"];
  assert.deepEqual(fake.steps.slice(0, 7), [...steps, "put removing notReady", "remove containers"]);
  assert.deepEqual(fake.steps.slice(7), ["take down", "delete"]);
  await pods.run(config);
});

test("a container is not made in a pod that is being stopped", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const { id } = await pods.run(config);
  const order: string[] = [];
  const making = pods.whileReady(id, async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push("made");
  });
  fake.stopped = () => void order.push("stopped");
  const stopping = pods.stop(id);
  const late = pods.whileReady(id, () => Promise.resolve());
  await making;
  await assert.rejects(late, kind("failedPrecondition"));
  await stopping;
  assert.deepEqual(order, ["made", "stopped"]);
});

test("what was half made goes with the next start, what was begun to be removed is finished", async (t) => {
  const fake = fakePods(t);
  const first = fake.open();
  const removed = await first.run(config);
  const half = await first.run(samplePodConfig({ metadata: { ...config.metadata, name: "half" } }));
  fake.records.set(half.id, { ...half, state: "making" });
  fake.records.set(removed.id, { ...removed, removing: true });
  const second = fake.open();
  await second.recover();
  assert.deepEqual([...fake.records.keys()], [removed.id]);
  second.resume();
  while (fake.records.size > 0) await sleep(5);
  assert.deepEqual(fake.warnings, []);
});

test("a pod that lost a namespace, or its machine, is not ready; its network is owed until it is stopped", async (t) => {
  const fake = fakePods(t);
  const { id } = await fake.open().run(config);
  const same = fake.open();
  await same.recover();
  assert.equal(same.get(id).state, "ready");
  await assert.rejects(same.run(config), kind("alreadyExists"));
  fake.boot = "second";
  const later = fake.open();
  await later.recover();
  assert.equal(later.get(id).state, "notReady");
  assert.ok(!fake.steps.some((step) => step.startsWith("DEL")));
  await later.remove(id);
  assert.ok(fake.steps.includes("DEL with result"));
});

test("limits are put in force before they are remembered, and back when they cannot be", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const { id } = await pods.run(samplePodConfig({ resources: { cpuShares: 2 } }));
  await pods.updateResources(id, { resources: { cpuShares: 4 }, overhead: { cpuShares: 1 } });
  assert.deepEqual(pods.get(id).config.resources, { cpuShares: 4 });
  fake.faults.set("put ready", () => Promise.reject(internal("full")));
  fake.steps.length = 0;
  await assert.rejects(pods.updateResources(id, { resources: { cpuShares: 8 } }), /full/);
  assert.deepEqual(fake.steps, ["limit", "put ready", "limit"]);
  await assert.rejects(pods.updateResources("unknown", {}), kind("notFound"));
});

test("pods are found by id, state and labels", async (t) => {
  const pods = fakePods(t).open();
  const named = (name: string, labels: Record<string, string>) =>
    pods.run(samplePodConfig({ metadata: { ...config.metadata, name }, labels }));
  const [a, b] = [await named("a", { app: "shop" }), await named("b", { app: "shop", tier: "db" })];
  await pods.stop(b.id);
  const ids = (filter: Parameters<typeof pods.list>[0]): string[] => pods.list(filter).map(({ id }) => id);
  assert.deepEqual(ids({}), [a.id, b.id]);
  assert.deepEqual(ids({ state: "ready" }), [a.id]);
  assert.deepEqual(ids({ labels: { app: "shop", tier: "db" } }), [b.id]);
  assert.deepEqual(ids({ id: a.id.slice(0, 6) }), [a.id]);
});

test("what plugins make of the place in the network is what CNI and the resolver's file are given", async (t) => {
  const fake = fakePods(t);
  fake.changeEndpoint = (endpoint) => ({
    ...endpoint,
    ipv4Address: "192.0.2.9",
    macAddress: "02-42-AC-11-00-02",
    genericParams: { bandwidth: { ingressRate: 1 } },
    dns: ["192.0.2.53"],
  });
  const { network, config: made } = await fake.open().run(config);
  assert.deepEqual(network?.target.runtimeConfig, {
    bandwidth: { ingressRate: 1 },
    aliases: ["web"],
    ips: ["192.0.2.9"],
    mac: "02:42:ac:11:00:02",
    dns: { servers: ["192.0.2.53"], searches: [], options: [] },
  });
  assert.deepEqual(made.dns?.servers, ["192.0.2.53"]);
});

for (const [what, change] of [
  ["address", { ipv4Address: "nowhere" }],
  ["MAC address", { macAddress: "nowhere" }],
  ["name server", { dns: ["two words"] }],
] as const)
  test(`a plugin's ${what} that is none fails the run before anything is made`, async (t) => {
    const fake = fakePods(t);
    fake.changeEndpoint = (endpoint) => ({ ...endpoint, ...change, dns: "dns" in change ? [...change.dns] : endpoint.dns });
    const pods = fake.open();
    await assert.rejects(pods.run(config));
    assert.deepEqual(fake.steps, []);
    fake.changeEndpoint = (endpoint) => endpoint;
    await pods.run(config);
  });

test("a pod whose first process was killed is not ready, wherever it is looked at", async (t) => {
  const fake = fakePods(t);
  const pods = fake.open();
  const { id } = await pods.run(config);
  fake.ended = true;
  assert.deepEqual(
    pods.list().map(({ state }) => state),
    ["notReady"],
  );
  assert.deepEqual(pods.list({ state: "ready" }), []);
  assert.equal(pods.get(id).state, "notReady");
  await assert.rejects(
    pods.whileReady(id, () => Promise.resolve()),
    kind("failedPrecondition"),
  );
  fake.ended = false;
  await pods.stop(id);
  assert.equal(pods.get(id).state, "notReady");
});
