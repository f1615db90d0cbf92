import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { groupUsage, interfacesIn } from "./pod-usage.ts";

/** Places with files of a group below them. */
function places(t: TestContext, files: Record<string, Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "pouch-groups-"));
  t.after(() => rmSync(root, { recursive: true }));
  return Object.entries(files).map(([place, contents]) => {
    mkdirSync(join(root, place, "pod"), { recursive: true });
    for (const [file, text] of Object.entries(contents)) writeFileSync(join(root, place, "pod", file), text);
    return join(root, place);
  });
}

const memory = {
  usageBytes: 1000n,
  workingSetBytes: 600n,
  rssBytes: 500n,
  pageFaults: 7n,
  majorPageFaults: 2n,
  limitBytes: 4096n,
};

test("each controller's hierarchy of version 1 is asked for its own", async (t) => {
  const found = places(t, {
    cpu: { "cpuacct.usage": "5000\n" },
    memory: {
      "memory.usage_in_bytes": "1000\n",
      "memory.limit_in_bytes": "4096\n",
      "memory.stat": "inactive_file 1\ntotal_inactive_file 400\ntotal_rss 500\ntotal_pgfault 7\ntotal_pgmajfault 2\n",
    },
    pids: { "pids.current": "3\n" },
  });
  assert.deepEqual(await groupUsage({ version: 1, places: found }, "/pod"), {
    cpuNanoseconds: 5000n,
    memory,
    processes: 3n,
  });
});

test("version 2 counts microseconds, and a limit that is none is none", async (t) => {
  const found = places(t, {
    unified: {
      "cpu.stat": "usage_usec 5\nuser_usec 3\n",
      "memory.current": "1000\n",
      "memory.max": "max\n",
      "memory.stat": "anon 500\ninactive_file 400\npgfault 7\npgmajfault 2\n",
      "pids.current": "3\n",
    },
  });
  assert.deepEqual(await groupUsage({ version: 2, places: found }, "/pod"), {
    cpuNanoseconds: 5000n,
    memory: { ...memory, limitBytes: 0n },
    processes: 3n,
  });
});

test("of a group that is gone nothing is known", async (t) => {
  const found = places(t, { cpu: {} });
  assert.equal(await groupUsage({ version: 1, places: found }, "/other"), undefined);
  assert.equal(await groupUsage({ version: 2, places: found }, "/other"), undefined);
});

test("interfaces have their counters, loopback left out", () => {
  const text = [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0",
    "  eth0:    2000      20    3    0    0     0          0         0     1000      10    4    0    0     0       0          0",
    "",
  ].join("\n");
  assert.deepEqual(interfacesIn(text), [{ name: "eth0", rxBytes: 2000n, rxErrors: 3n, txBytes: 1000n, txErrors: 4n }]);
});
