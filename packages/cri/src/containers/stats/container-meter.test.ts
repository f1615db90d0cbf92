import assert from "node:assert/strict";
import { test } from "node:test";
import { containerRecord, FakeContainers, idOf } from "../../testing/fake-containers.ts";
import type { Metrics } from "../containers-deps.ts";
import { podContainers } from "../find-container.ts";
import { ContainerMeter } from "./container-meter.ts";

const second = 1_000_000_000n;

function metrics(usageNs: number, limitBytes = 0): Metrics {
  return {
    cgroupVersion: 1,
    cpu: { usageNs, userNs: 0, systemNs: 0, perCpuNs: [], periods: 0, throttledPeriods: 0, throttledNs: 0 },
    memory: {
      usageBytes: 1000,
      maxUsageBytes: 0,
      limitBytes,
      swapBytes: 5,
      inactiveFileBytes: 300,
      failures: 0,
      oomKills: 0,
      stats: { total_rss: 600, total_pgfault: 9 },
    },
    pids: { current: 1, limit: 0 },
    blockIO: { serviceBytes: [], serviced: [] },
    hugetlb: [],
  };
}

function world() {
  const app = containerRecord(
    { Name: "a", Image: "busybox", HostConfig: {} },
    {
      pod: { podId: "p", namespaces: { network: "", ipc: "", uts: "", pid: "" }, files: {}, logPath: "" },
      cri: { identity: { name: "a", attempt: 0, image: "busybox", labels: { l: "1" }, annotations: {}, mounts: [] } },
    },
  );
  const containers = new FakeContainers(app);
  let at = 100n * second;
  const meter = new ContainerMeter({ containers, snapshotsFolder: async () => "/snapshots", now: () => at });
  const look = async (later: bigint, usageNs: number | undefined, limit?: number) => {
    at += later;
    containers.counted.clear();
    if (usageNs !== undefined) containers.counted.set(idOf("a"), metrics(usageNs, limit));
    const [stats] = await meter.measure(podContainers(containers));
    return stats;
  };
  return { look, containers };
}

test("the rate of processor time is that between two looks, and stays where they are too near", async () => {
  const { look } = world();
  const rate = async (later: bigint, usageNs: number) => (await look(later, usageNs))?.cpu?.usageNanoCores?.value;
  assert.equal(await rate(0n, 5e9), 0n);
  assert.equal(await rate(2n * second, 6e9), 500_000_000n);
  assert.equal(await rate(second / 100n, 7e9), 500_000_000n);
  assert.equal(await rate(2n * second, 1e9), 0n, "another run's counter");
});

test("the working set leaves out what goes first, and what is available is below a limit", async () => {
  const { look } = world();
  const { memory, swap, attributes } = (await look(0n, 1, 2000)) ?? {};
  assert.deepEqual(
    [memory?.workingSetBytes?.value, memory?.usageBytes?.value, memory?.availableBytes?.value, memory?.rssBytes?.value],
    [700n, 1000n, 1300n, 600n],
  );
  assert.deepEqual([memory?.pageFaults?.value, swap?.swapUsageBytes?.value], [9n, 5n]);
  assert.deepEqual(attributes?.labels, { l: "1" });
  assert.equal((await look(second, 1, 2 ** 62))?.memory?.availableBytes, undefined);
});

test("what was written is counted every ten seconds at most, and is all there is of one that does not run", async () => {
  const { look, containers } = world();
  const first = await look(0n, undefined);
  assert.deepEqual(first?.writableLayer, {
    timestamp: 100n * second,
    fsId: { mountpoint: "/snapshots" },
    usedBytes: { value: 4096n },
  });
  assert.equal(first?.cpu, undefined);
  await look(9n * second, undefined);
  assert.equal(containers.counts, 1);
  await look(2n * second, undefined);
  assert.equal(containers.counts, 2);
});
