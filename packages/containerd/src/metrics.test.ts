import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { MetricsSchema as MetricsV1Schema } from "./gen/cgroups_v1_pb.ts";
import { MetricsSchema as MetricsV2Schema } from "./gen/cgroups_v2_pb.ts";
import { decodeMetrics } from "./metrics.ts";

test("cgroup v1 metrics keep the kernel's names of memory.stat and count swap apart from memory", () => {
  const wire = create(MetricsV1Schema, {
    cpu: { usage: { total: 3_000n, user: 1_000n, kernel: 2_000n, perCpu: [1_500n, 1_500n] } },
    memory: {
      usage: { usage: 100n, limit: 1_000n },
      swap: { usage: 130n },
      totalPgPgIn: 7n,
      hierarchicalSwapLimit: 9n,
      totalInactiveFile: 40n,
    },
    memoryOomControl: { oomKill: 2n },
    blkio: { ioServiceBytesRecursive: [{ op: "Read", major: 8n, minor: 1n, value: 4096n }] },
  });
  const metrics = decodeMetrics({ typeUrl: "io.containerd.cgroups.v1.Metrics", value: toBinary(MetricsV1Schema, wire) });
  assert.equal(metrics.cgroupVersion, 1);
  assert.deepEqual(metrics.cpu.perCpuNs, [1_500, 1_500]);
  assert.equal(metrics.memory.swapBytes, 30);
  assert.equal(metrics.memory.inactiveFileBytes, 40);
  assert.equal(metrics.memory.oomKills, 2);
  assert.equal(metrics.memory.stats["total_pgpgin"], 7);
  assert.equal(metrics.memory.stats["hierarchical_memsw_limit"], 9);
  assert.deepEqual(metrics.blockIO.serviceBytes, [{ major: 8, minor: 1, op: "read", value: 4096 }]);
});

test("cgroup v2 metrics come in the same shape, with times in nanoseconds", () => {
  const wire = create(MetricsV2Schema, {
    cpu: { usageUsec: 3n, userUsec: 1n, systemUsec: 2n },
    memory: { usage: 100n, usageLimit: 1_000n, inactiveFile: 40n, pgfault: 5n, slabReclaimable: 6n },
    memoryEvents: { oomKill: 1n },
    io: { usage: [{ major: 8n, minor: 0n, rbytes: 10n, wbytes: 20n, rios: 1n, wios: 2n }] },
  });
  const metrics = decodeMetrics({
    typeUrl: "type.googleapis.com/io.containerd.cgroups.v2.Metrics",
    value: toBinary(MetricsV2Schema, wire),
  });
  assert.equal(metrics.cpu.usageNs, 3_000);
  assert.equal(metrics.memory.limitBytes, 1_000);
  assert.equal(metrics.memory.oomKills, 1);
  assert.equal(metrics.memory.stats["slab_reclaimable"], 6);
  assert.equal("usage_limit" in metrics.memory.stats, false);
  assert.deepEqual(
    metrics.blockIO.serviced.map(({ op, value }) => [op, value]),
    [
      ["read", 1],
      ["write", 2],
    ],
  );
});

test("metrics of an unknown type are named in the error", () => {
  assert.throws(() => decodeMetrics({ typeUrl: "example.Metrics", value: new Uint8Array() }), /example\.Metrics/);
});
