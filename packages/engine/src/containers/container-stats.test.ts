import assert from "node:assert/strict";
import { test } from "node:test";
import { hostCpuNs } from "./container-stats.ts";

test("the host's CPU time is that of its first seven kinds: what a hypervisor took, and guests had, is none", () => {
  assert.equal(hostCpuNs("cpu  1 2 3 4 5 6 7 1000 2000 3000\ncpu0 1 2 3 4 5 6 7 1000 2000 3000\n"), 28e7);
});
