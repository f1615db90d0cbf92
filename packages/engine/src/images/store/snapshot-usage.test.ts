import assert from "node:assert/strict";
import { test } from "node:test";
import { notFound } from "@pouchcontainer/errors";
import type { SnapshotInfo } from "@pouchcontainer/containerd";
import { SnapshotUsage } from "./snapshot-usage.ts";
import { FakeContainerd } from "../testing/fake-containerd.ts";

function usageWith(kinds: Record<string, SnapshotInfo["kind"]>) {
  const containerd = new FakeContainerd();
  const measured: string[] = [];
  const time = { now: 0 };
  const snapshots = () => ({
    ...containerd.snapshots("overlayfs"),
    list: async () =>
      Object.entries(kinds).map(([name, kind]) => ({ name, kind, parent: "", createdAt: new Date(0), labels: {} })),
    usage: async (key: string) => {
      measured.push(key);
      if (key === "gone") throw notFound("snapshot gone: not found");
      return { sizeBytes: 100, inodes: 3 };
    },
  });
  const usage = new SnapshotUsage({ containerd: { snapshots }, snapshotter: "overlayfs", now: () => time.now });
  return { usage, measured, time };
}

test("layers and what containers wrote are added up, and what went meanwhile is left out", async () => {
  const { usage } = usageWith({ layer: "committed", container: "active", gone: "active" });
  assert.deepEqual(await usage.totals(), { bytes: 200, inodes: 6, measuredAt: 0 });
});

test("a layer is measured once, a container's snapshot again after ten seconds", async () => {
  const { usage, measured, time } = usageWith({ layer: "committed", container: "active" });
  await Promise.all([usage.totals(), usage.totals()]);
  await usage.totals();
  assert.deepEqual(measured.toSorted(), ["container", "layer"]);
  time.now = 10_000;
  assert.equal((await usage.totals()).measuredAt, 10_000);
  assert.deepEqual(measured.toSorted(), ["container", "container", "layer"]);
});
