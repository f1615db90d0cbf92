import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleFacts } from "../config/sample-settings.ts";
import { toUpdateResources } from "./resources.ts";
import { fakeDevices } from "./sample-input.ts";

const { cgroup } = sampleFacts();

test("an update writes an absent swap limit as unlimited, so that memory can grow past the old one", () => {
  assert.deepEqual(toUpdateResources({ Memory: 64e6 }, cgroup, fakeDevices), { memory: { limit: 64e6, swap: -1 } });
  assert.deepEqual(toUpdateResources({ Memory: 64e6, MemorySwap: 128e6 }, cgroup, fakeDevices).memory, {
    limit: 64e6,
    swap: 128e6,
  });
});

test("taking the limit of processes away is written down", () => {
  assert.deepEqual(toUpdateResources({ PidsLimit: 0 }, cgroup, fakeDevices), { pids: { limit: -1 } });
  assert.deepEqual(toUpdateResources({ PidsLimit: 9 }, cgroup, fakeDevices), { pids: { limit: 9 } });
  assert.deepEqual(toUpdateResources({}, cgroup, fakeDevices), {});
});

test("a host without a knob is not asked to turn it", () => {
  const poor = { ...cgroup, swapLimit: false, pidsLimit: false, cpuShares: false };
  assert.deepEqual(toUpdateResources({ Memory: 64e6, PidsLimit: 5, CpuShares: 5 }, poor, fakeDevices), {
    memory: { limit: 64e6 },
  });
});
