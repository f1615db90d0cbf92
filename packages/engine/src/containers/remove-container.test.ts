import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { internal, resourceExhausted } from "@pouchcontainer/errors";
import { Container } from "./container.ts";
import { isPromisedGone, type ContainerRecord } from "./container-record.ts";
import { ContainerRegistry } from "./container-registry.ts";
import type { ContainerRoom } from "./container-room.ts";
import { removeContainer } from "./remove-container.ts";
import { sampleRecord } from "./spec/sample-record.ts";

const done = (): Promise<void> => Promise.resolve();

/** A container that does not run, whose snapshot goes when `snapshotGone` is settled. */
function going(
  { mock }: TestContext,
  { put = done, deleted = done, removal = (work: () => Promise<void>): Promise<void> => work() } = {},
) {
  const snapshotGone = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const told: string[] = [];
  const soon = mock.fn();
  const warn = mock.fn();
  const log = { info: () => undefined, warn, error: () => undefined };
  const registry = new ContainerRegistry();
  const deps = {
    log,
    roots: { containers: "/no/such/home", exec: "/no/such/run" },
    records: { put, delete: done, dropCopy: done, removal },
    containerd: {
      containers: { delete: deleted },
      snapshots: () => ({
        remove: () => {
          asked.resolve();
          return snapshotGone.promise;
        },
      }),
    },
    networks: { forget: done },
    chains: { forgetTrace: () => undefined },
    events: { publish: ({ action }: { action: string }) => told.push(action) },
  };
  // The parts of the room a removal of what does not run asks for.
  const room = { deps, registry, leftovers: { soon } } as unknown as ContainerRoom;
  const record = sampleRecord();
  const container = new Container({ ...record, mountPoints: [], state: { ...record.state, status: "exited" } }, room.deps);
  registry.add(container);
  const remove = (options: { promised?: boolean } = {}) =>
    removeContainer(room, container, { force: true, volumes: false, ...options });
  return { container, registry, remove, snapshotGone, asked: asked.promise, told, soon, warn };
}

test("a promised removal is answered when it is stored, and goes on", async (t) => {
  const stored: ContainerRecord[] = [];
  const { container, registry, remove, snapshotGone, told } = going(t, {
    put: async (...[, record]: unknown[]) => void stored.push(record as ContainerRecord),
  });
  await remove({ promised: true });
  assert.deepEqual(stored.at(-1)?.removal, { volumes: false, promised: true });
  assert.equal(stored.at(-1)?.state.status, "removing");
  assert.deepEqual([container.removed, registry.get(container.id), told], [false, container, []]);
  // Who removes it as well, as the end of its pod does, is answered when it is gone.
  const again = remove();
  snapshotGone.resolve();
  await again;
  assert.deepEqual([container.removed, registry.get(container.id), told], [true, undefined, ["destroy"]]);
});

test("one that fails behind its answer stays promised, and is looked after", async (t) => {
  const { container, remove, snapshotGone, asked, soon, warn } = going(t);
  await remove({ promised: true });
  await asked;
  snapshotGone.reject(internal("the snapshot is busy"));
  await container.promisedRemoval;
  assert.ok(isPromisedGone(container.record));
  assert.deepEqual([container.state.status, container.unsure, container.removing], ["dead", true, false]);
  assert.ok(soon.mock.callCount() > 0);
  assert.equal(warn.mock.callCount(), 1);
});

test("on a disk without room for the promise nothing is promised, and the answer comes when it is gone", async (t) => {
  const outcomes = [Promise.reject(resourceExhausted("no space left on the device")), Promise.resolve()];
  const { container, remove, snapshotGone, asked } = going(t, { put: () => outcomes.shift() ?? Promise.resolve() });
  let answered = false;
  const removal = remove({ promised: true }).then(() => (answered = true));
  await asked;
  assert.deepEqual([answered, isPromisedGone(container.record), container.state.status], [false, false, "removing"]);
  snapshotGone.resolve();
  await removal;
  assert.equal(container.removed, true);
});

test("what containerd has no room to remove is tried again with that of the store", async (t) => {
  const outcomes = [Promise.reject(resourceExhausted("write meta.db: no space left on device")), Promise.resolve()];
  const { container, remove, snapshotGone } = going(t, {
    deleted: () => outcomes.shift() ?? Promise.resolve(),
    removal: (work) => work().catch(work),
  });
  snapshotGone.resolve();
  await remove();
  assert.deepEqual([container.removed, outcomes.length], [true, 0]);
});

test("a removal that is not promised is answered when nothing is left", async (t) => {
  const { container, remove, snapshotGone, asked } = going(t);
  const removal = remove();
  await asked;
  await assert.rejects(remove(), { kind: "conflict" });
  snapshotGone.resolve();
  await removal;
  assert.equal(container.removed, true);
});
