import assert from "node:assert/strict";
import { test } from "node:test";
import { withLegacyHostConfig } from "./legacy-host-config.ts";

test("without a HostConfig its fields at the top are it", () => {
  assert.deepEqual(withLegacyHostConfig({ Image: "busybox", Memory: 1, Cpuset: "0", Binds: ["/a:/b"] }), {
    Image: "busybox",
    Memory: 1,
    Cpuset: "0",
    Binds: ["/a:/b"],
    HostConfig: { Memory: 1, Binds: ["/a:/b"], CpusetCpus: "0" },
  });
});

test("beside a HostConfig a few limits count where it says nothing", () => {
  const body = {
    Memory: 1,
    CpuShares: 2,
    Binds: ["/a:/b"],
    Cpuset: "0",
    HostConfig: { Memory: 5, CpusetCpus: "1", CpuShares: 0 },
  };
  assert.deepEqual(withLegacyHostConfig(body), { ...body, HostConfig: { Memory: 5, CpusetCpus: "1", CpuShares: 2 } });
});

test("a body without any of it is left as it is", () => {
  for (const body of [{ Image: "busybox" }, null, "text", [1]]) assert.equal(withLegacyHostConfig(body), body);
});
