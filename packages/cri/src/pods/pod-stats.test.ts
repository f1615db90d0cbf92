import { GrpcCode } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { FakePods, podDeps } from "../testing/fake-pods.ts";
import { serveCri } from "../testing/serve-cri.ts";
import { podCalls } from "./pod-calls.ts";

const memory = {
  usageBytes: 1000n,
  workingSetBytes: 600n,
  rssBytes: 500n,
  pageFaults: 7n,
  majorPageFaults: 2n,
  limitBytes: 4000n,
};
const eth0 = { name: "eth0", rxBytes: 1n, rxErrors: 2n, txBytes: 3n, txErrors: 4n };

/** One pod with a container, and a clock. */
async function serve(t: TestContext) {
  const pods = new FakePods();
  const clock = { now: 10_000_000_000n };
  const container = {
    attributes: { id: "c1", metadata: { name: "app" } },
    cpu: { usageCoreNanoSeconds: { value: 3_000_000_000n } },
    memory: { usageBytes: { value: 300n }, workingSetBytes: { value: 200n } },
    writableLayer: { usedBytes: { value: 50n } },
  };
  const served = await serveCri({
    runtime: podCalls(
      podDeps(pods, {
        now: () => clock.now,
        containers: {
          statusesIn: async () => [{ id: "c1", image: { image: "busybox:1" } }],
          statsIn: async () => [container, { attributes: { id: "c2" } }],
        },
      }),
    ),
  });
  t.after(() => served[Symbol.asyncDispose]());
  const client = served.runtime();
  const { podSandboxId } = await client.runPodSandbox({
    config: { metadata: { name: "web", namespace: "shop", uid: "u" }, labels: { app: "web" } },
  });
  return { pods, clock, client, podSandboxId };
}

test("a pod has what its group and network count, and its containers", async (t) => {
  const { pods, clock, client, podSandboxId } = await serve(t);
  pods.used = { group: { cpuNanoseconds: 4_000_000_000n, memory, processes: 9n }, interfaces: [eth0, { ...eth0, name: "net1" }] };
  const { stats } = await client.podSandboxStats({ podSandboxId });
  assert.equal(stats?.attributes?.metadata?.name, "web");
  const { linux } = stats;
  assert.deepEqual(
    [linux?.cpu?.timestamp, linux?.cpu?.usageCoreNanoSeconds?.value, linux?.cpu?.usageNanoCores?.value],
    [clock.now, 4_000_000_000n, 0n],
  );
  assert.deepEqual(
    [linux?.memory?.workingSetBytes?.value, linux?.memory?.availableBytes?.value, linux?.process?.processCount?.value],
    [600n, 3400n, 9n],
  );
  assert.deepEqual([linux?.network?.defaultInterface?.txBytes?.value, linux?.network?.interfaces[0]?.name], [3n, "net1"]);
  assert.deepEqual(
    linux?.containers.map(({ attributes }) => attributes?.id),
    ["c1", "c2"],
  );
  clock.now += 2_000_000_000n;
  pods.used = { group: { cpuNanoseconds: 5_000_000_000n, memory: { ...memory, limitBytes: 0n }, processes: 9n }, interfaces: [] };
  const again = (await client.podSandboxStats({ podSandboxId })).stats?.linux;
  assert.deepEqual([again?.cpu?.usageNanoCores?.value, again?.memory?.availableBytes], [500_000_000n, undefined]);
  clock.now += 1n;
  assert.equal((await client.podSandboxStats({ podSandboxId })).stats?.linux?.cpu?.usageNanoCores?.value, 500_000_000n);
});

test("a pod without a group of its own has what its containers use together", async (t) => {
  const { client, podSandboxId } = await serve(t);
  const { linux } = (await client.podSandboxStats({ podSandboxId })).stats ?? {};
  assert.deepEqual(
    [linux?.cpu?.usageCoreNanoSeconds?.value, linux?.memory?.usageBytes?.value, linux?.memory?.workingSetBytes?.value],
    [3_000_000_000n, 300n, 200n],
  );
});

test("there is no network without the interface that the kubelet looks at", async (t) => {
  const { pods, client, podSandboxId } = await serve(t);
  for (const interfaces of [[], [{ ...eth0, name: "net1" }]]) {
    pods.used = { interfaces };
    assert.equal((await client.podSandboxStats({ podSandboxId })).stats?.linux?.network, undefined);
  }
});

test("a pod that is stopped while it is measured has no figures", async (t) => {
  const { pods, client, podSandboxId } = await serve(t);
  pods.usage = async () => {
    await pods.stop(podSandboxId);
    return pods.used;
  };
  assert.deepEqual((await client.listPodSandboxStats({})).stats, []);
  await assert.rejects(client.podSandboxStats({ podSandboxId }), { code: GrpcCode.failedPrecondition });
});

test("lists are of pods that are ready, by their filter, whole and in parts", async (t) => {
  const { client, podSandboxId } = await serve(t);
  const count = async (filter: object): Promise<number> => (await client.listPodSandboxStats({ filter })).stats.length;
  assert.deepEqual(
    [
      await count({}),
      await count({ id: podSandboxId.slice(0, 4) }),
      await count({ id: "none" }),
      await count({ labelSelector: { a: "" } }),
    ],
    [1, 1, 0, 0],
  );
  for await (const { podSandboxStats } of client.streamPodSandboxStats({})) assert.equal(podSandboxStats.length, 1);
  await client.stopPodSandbox({ podSandboxId });
  assert.equal(await count({}), 0);
});

test("every figure has a descriptor with as many labels", async (t) => {
  const { pods, client, podSandboxId } = await serve(t);
  pods.used = { group: { cpuNanoseconds: 4_000_000_000n, memory, processes: 9n }, interfaces: [eth0] };
  const { descriptors } = await client.listMetricDescriptors({});
  const keysOf = new Map(descriptors.map(({ name, labelKeys }) => [name, labelKeys]));
  const { podMetrics } = await client.listPodSandboxMetrics({});
  const [pod] = podMetrics;
  assert.equal(pod?.podSandboxId, podSandboxId);
  const all = [...pod.metrics, ...pod.containerMetrics.flatMap(({ metrics }) => metrics)];
  for (const { name, labelValues } of all) assert.equal(labelValues.length, keysOf.get(name)?.length, name);
  const shown = (name: string, from = pod.metrics): [unknown, string[]][] =>
    from.filter((metric) => metric.name === name).map(({ value, labelValues }) => [value?.value, labelValues]);
  assert.deepEqual(shown("container_cpu_usage_seconds_total"), [[4n, [podSandboxId, "", "", "shop", "web", ""]]]);
  assert.deepEqual(shown("container_network_receive_bytes_total")[0]?.[1].at(-1), "eth0");
  assert.deepEqual(shown("container_fs_usage_bytes", pod.containerMetrics[0]?.metrics), [
    [50n, ["c1", "app", "busybox:1", "shop", "web", "app"]],
  ]);
  for await (const { podSandboxMetrics } of client.streamPodSandboxMetrics({})) assert.equal(podSandboxMetrics.length, 1);
});
