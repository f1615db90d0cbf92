import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "@pouchcontainer/errors";
import { applyUpdate } from "./apply-update.ts";
import { sampleFacts } from "./sample-settings.ts";

test("what an update leaves out or sends as zero stays", () => {
  const { hostConfig } = applyUpdate(
    { Memory: 64e6, MemorySwap: 128e6, CpuShares: 10 },
    { Memory: 0, CpuShares: 20 },
    sampleFacts(),
  );
  assert.deepEqual(hostConfig, { Memory: 64e6, MemorySwap: 128e6, CpuShares: 20 });
});

test("memory above the swap limit is refused until both are changed", () => {
  const current = { Memory: 64e6, MemorySwap: 128e6 };
  assert.throws(
    () => applyUpdate(current, { Memory: 300e6 }, sampleFacts()),
    (error) =>
      isKind(error, "conflict") &&
      error.message ===
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
  );
  assert.equal(applyUpdate(current, { Memory: 300e6, MemorySwap: -1 }, sampleFacts()).hostConfig.MemorySwap, -1);
});

test("one CPU limit written two ways is a conflict", () => {
  assert.throws(() => applyUpdate({ NanoCpus: 1e9 }, { CpuQuota: 5000 }, sampleFacts()), {
    message: "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
  });
});

test("a container that removes itself gets no restart policy", () => {
  assert.throws(() => applyUpdate({ AutoRemove: true }, { RestartPolicy: { Name: "always" } }, sampleFacts()), {
    message: "Restart policy cannot be updated because AutoRemove is enabled for the container",
  });
});

test("a disk quota is refused, as a create refuses it, and not written down without effect", () => {
  assert.throws(
    () => applyUpdate({}, { DiskQuota: { "/": "10g" } }, sampleFacts()),
    (error) => isKind(error, "notImplemented"),
  );
});
