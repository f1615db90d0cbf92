import assert from "node:assert/strict";
import type { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import type { ContainerUpdateConfig } from "@pouchcontainer/api";
import { internal } from "@pouchcontainer/errors";
import { sampleFacts } from "./config/sample-settings.ts";
import { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import { sampleRecord } from "./spec/sample-record.ts";
import { updateResources, type ContainerResources } from "./update-resources.ts";

/** A running container of CRI; what plugins were shown, and what the runtime was asked for. */
function running({ refuses = false } = {}) {
  const record = sampleRecord({ cri: { unified: { "memory.low": "1" } } });
  const container = new Container(
    { ...record, state: { ...record.state, status: "running" } },
    {
      records: { put: () => Promise.resolve() },
      roots: { containers: "/home", exec: "/run" },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    },
  );
  const shown: unknown[] = [];
  const asked: unknown[] = [];
  const facts = sampleFacts();
  const room = {
    deps: {
      chains: {
        preUpdate: async (body: Readable) => {
          const parsed = await json(body);
          shown.push(parsed);
          return (await import("node:stream")).Readable.from([JSON.stringify(parsed)]);
        },
        postUpdate: (_files: unknown, env: string[]) => Promise.resolve({ env }),
      },
      decodeUpdate: (value: unknown) => value as ContainerUpdateConfig,
      facts: { ...facts, cgroup: { ...facts.cgroup, version: 2 } },
      devices: {},
      events: { publish: () => undefined },
      containerd: {
        tasks: {
          update: async (_id: string, resources: unknown) => {
            if (refuses) throw internal("runc said no");
            asked.push(resources);
          },
          get: async () => ({ status: "running", pid: 1 }),
        },
      },
    },
    // The parts of the room that an update asks for.
  } as unknown as ContainerRoom;
  return { container, shown, asked, update: (resources: ContainerResources) => updateResources(room, container, resources) };
}

test("limits in the engine's words are shown to plugins in Docker's, and what has no word there is put in force too", async () => {
  const { container, shown, asked, update } = running();
  await update({ memoryBytes: 4 << 20, cpuShares: 512, cpuQuotaMicros: 0, oomScoreAdj: 100, unified: { "memory.high": "9" } });
  assert.deepEqual(shown, [{ CpuShares: 512, Memory: 4 << 20, MemorySwap: 4 << 20 }]);
  assert.deepEqual(asked, [
    { memory: { limit: 4 << 20, swap: 4 << 20 }, cpu: { shares: 512 }, unified: { "memory.low": "1", "memory.high": "9" } },
  ]);
  assert.equal(container.record.hostConfig.OomScoreAdj, 100);
});

test("what the runtime refuses is not recorded, of neither kind", async () => {
  const { container, update } = running({ refuses: true });
  const { hostConfig, cri } = container.record;
  await assert.rejects(update({ cpuShares: 512, unified: { "memory.high": "9" } }), /runc said no/);
  assert.deepEqual(container.record.hostConfig, hostConfig);
  assert.deepEqual(container.record.cri, cri);
  assert.equal(container.record.updating, undefined);
});

test("what a creation refuses is refused, and changes nothing", async () => {
  const { container, asked, update } = running();
  const before = container.record;
  for (const [resources, message] of [
    [{ oomScoreAdj: 99_999 }, /range for oom score adj/],
    [{ unified: { "../../x": "1" } }, /invalid name of a cgroup v2 file/],
    [{ hugepageLimits: [{ pageSize: "big", limitBytes: 1 }] }, /invalid hugepage limit/],
    [{ cpuShares: 1 }, /no fewer than 2/],
  ] as const)
    await assert.rejects(update(resources), { kind: "invalidArgument", message });
  assert.deepEqual([container.record, asked], [before, []]);
});
