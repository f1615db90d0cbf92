import { isKind } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { limitGroups } from "./pod-limits.ts";

function folders(t: TestContext, files: Record<string, string[]>): { root: string; folders: string[] } {
  const root = mkdtempSync(join(tmpdir(), "pouch-limits-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [folder, names] of Object.entries(files)) {
    mkdirSync(join(root, folder), { recursive: true });
    for (const name of names) writeFileSync(join(root, folder, name), "");
  }
  return { root, folders: Object.keys(files).map((folder) => join(root, folder)) };
}

test("limits of version 1 go into the innermost folder of their controller, those not given nowhere", async (t) => {
  const cpu = ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"];
  const { root, folders: own } = folders(t, {
    "cpu/pods": cpu,
    "cpu/pods/one": cpu,
    "memory/pods/one": ["memory.limit_in_bytes"],
  });
  await limitGroups({ version: 1 }, { cpuShares: 512, cpuQuotaMicroseconds: -1, memoryLimitBytes: 1024, cpusetCpus: "0" }, own);
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  assert.deepEqual(
    [
      "cpu/pods/cpu.shares",
      "cpu/pods/one/cpu.shares",
      "cpu/pods/one/cpu.cfs_quota_us",
      "memory/pods/one/memory.limit_in_bytes",
    ].map(read),
    ["", "512", "-1", "1024"],
  );
  assert.equal(read("cpu/pods/one/cpu.cfs_period_us"), "");
});

test("limits of version 2 have its files and scales", async (t) => {
  const names = ["cpu.max", "cpu.weight", "memory.max", "memory.swap.max", "cpuset.cpus", "memory.high"];
  const { root, folders: own } = folders(t, { one: names });
  const resources = { cpuShares: 1024, cpuQuotaMicroseconds: 50_000, memoryLimitBytes: 100, memorySwapLimitBytes: 150 };
  await limitGroups({ version: 2 }, { ...resources, cpusetCpus: "0-1", unified: { "memory.high": "90" } }, own);
  assert.deepEqual(
    names.map((name) => readFileSync(join(root, "one", name), "utf8")),
    ["50000 100000", "39", "100", "50", "0-1", "90"],
  );
});

test("a limit the kernel refuses is the caller's mistake, and names its file", async (t) => {
  const { root } = folders(t, { one: [] });
  mkdirSync(join(root, "one/memory.max"));
  await assert.rejects(
    limitGroups({ version: 2 }, { memoryLimitBytes: 1 }, [join(root, "one")]),
    (error: unknown) => isKind(error, "invalidArgument") && error.message.startsWith("memory.max"),
  );
});
