import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { ContainerUpdateConfig } from "@pouchcontainer/api";
import { EngineError, internal } from "@pouchcontainer/errors";
import { sampleFacts } from "./config/sample-settings.ts";
import { Container } from "./container.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerRoom } from "./container-room.ts";
import { sampleRecord } from "./spec/sample-record.ts";
import { updateContainer } from "./update-container.ts";

const limits = (megabytes: number) => ({ Memory: megabytes << 20, MemorySwap: megabytes << 21 });

/** A running container with a limit of 64 MB, and what there is of an update to 128: in force, in memory, in the store. */
function running(fail: { store?: Error; runtime?: Error }) {
  const record = sampleRecord();
  let stored: ContainerRecord = {
    ...record,
    hostConfig: { ...record.hostConfig, ...limits(64) },
    state: { ...record.state, status: "running" },
  };
  let inForce = 64 << 20;
  const put = async (_id: string, value: ContainerRecord): Promise<void> => {
    if (fail.store) throw fail.store;
    stored = value;
  };
  const container = new Container(stored, {
    records: { put },
    roots: { containers: "/home", exec: "/run" },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const room = {
    deps: {
      chains: { preUpdate: (body: Readable) => Promise.resolve(body) },
      decodeUpdate: (value: unknown) => value as ContainerUpdateConfig,
      facts: sampleFacts(),
      devices: {},
      containerd: {
        tasks: {
          update: async (_id: string, { memory }: { memory?: { limit?: number } }) => {
            if (fail.runtime) throw fail.runtime;
            inForce = memory?.limit ?? 0;
          },
        },
      },
    },
    // The parts of the room that an update asks for before it is told.
  } as unknown as ContainerRoom;
  return {
    container,
    update: () => updateContainer(room, container, Readable.from([JSON.stringify(limits(128))])),
    megabytes: () => [inForce, container.record.hostConfig.Memory, stored.hostConfig.Memory].map((bytes = 0) => bytes >> 20),
  };
}

test("an update that cannot be recorded is not in force, and one that the runtime refuses is not recorded", async () => {
  const full = running({ store: new EngineError("resourceExhausted", "no space left on device") });
  await assert.rejects(full.update(), /no space/);
  assert.deepEqual(full.megabytes(), [64, 64, 64]);
  const refused = running({ runtime: internal("runc said no") });
  await assert.rejects(refused.update(), /runc said no/);
  assert.deepEqual(refused.megabytes(), [64, 64, 64]);
});

test("one that is being removed, or was in part or as a whole, is not updated, and no plugin is asked", async () => {
  const marked = {
    kind: "conflict",
    message: /^Cannot update container \w+: container is marked for removal and cannot be "update"$/,
  };
  const being = running({});
  being.container.removing = true;
  await assert.rejects(being.update(), marked);
  for (const status of ["removing", "dead"] as const) {
    const half = running({});
    half.container.note({ state: { status } });
    await assert.rejects(half.update(), marked);
    assert.deepEqual(half.megabytes(), [64, 64, 64]);
  }
  const gone = running({});
  gone.container.removed = gone.container.removing = true;
  await assert.rejects(gone.update(), { kind: "notFound", message: /^No such container: \w+$/ });
});
