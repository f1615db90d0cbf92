import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { hostFacts } from "./host-facts.ts";

/** A machine recorded as files, in a folder that goes with the test. */
function recorded(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "pouch-facts-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const machine = (t: TestContext, files: Record<string, string>) => hostFacts({ root: recorded(t, files), architecture: "x64" });

const common = {
  "proc/self/status": "Name:\tnode\nCapBnd:\t000001fffeffffff\nSeccomp:\t0\nCpus_allowed_list:\t0-2,4\n",
  "proc/self/limits":
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max open files            20000                20000                files     \n" +
    "Max core file size        0                    unlimited            bytes     \n" +
    "Max nice priority         0                    0                    \n",
  "proc/self/oom_score_adj": "-100\n",
  "proc/meminfo": "MemTotal:       16384 kB\nSwapTotal:       1024 kB\n",
  "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
  "proc/sys/net/ipv4/ip_forward": "1\n",
};

test("cgroup v2, as a systemd machine has it", (t) => {
  const facts = machine(t, {
    ...common,
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n",
    "sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
    "sys/fs/cgroup/cpuset.mems.effective": "0\n",
    "sys/fs/cgroup/system.slice/memory.swap.max": "max\n",
  });
  const { cgroup } = facts;
  assert.equal(cgroup.version, 2);
  assert.ok(cgroup.memoryLimit && cgroup.swapLimit && cgroup.pidsLimit && cgroup.cpuCfs && cgroup.blkioThrottle);
  assert.ok(!cgroup.oomKillDisable && !cgroup.memorySwappiness && !cgroup.kernelMemory && !cgroup.cpuRealtime);
  assert.equal(cgroup.cpusetCpus, "0-3");
  assert.ok(cgroup.controllers.includes("blkio"));
});

test("cgroup v1 with joined hierarchies and v2 beside it", (t) => {
  const facts = machine(t, {
    ...common,
    "sys/fs/cgroup/cpu,cpuacct/cpu.shares": "1024",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/cpuset/cpuset.cpus": "0-3",
    "sys/fs/cgroup/cpuset/cpuset.mems": "0",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "1",
    "sys/fs/cgroup/memory/memory.oom_control": "",
    "sys/fs/cgroup/blkio/blkio.throttle.read_bps_device": "",
    "sys/fs/cgroup/pids/pids.max": "",
    "sys/fs/cgroup/unified/cgroup.controllers": "",
    "sys/fs/cgroup/systemd/tasks": "",
  });
  const { cgroup } = facts;
  assert.equal(cgroup.version, 1);
  assert.ok(
    cgroup.cpuShares && cgroup.cpuCfs && cgroup.memoryLimit && cgroup.oomKillDisable && cgroup.pidsLimit && cgroup.blkioThrottle,
  );
  assert.ok(!cgroup.swapLimit && !cgroup.blkioWeight && !cgroup.cpuRealtime);
  assert.deepEqual([...cgroup.controllers].sort(), ["blkio", "cpu", "cpuacct", "cpuset", "memory", "pids"]);
});

test("what the daemon itself may do is read from its own process", (t) => {
  const facts = machine(t, common);
  assert.equal(facts.boundingCapabilities.length, 40);
  assert.ok(!facts.boundingCapabilities.includes("CAP_SYS_RESOURCE"));
  assert.equal(facts.mayRaiseLimits, false);
  assert.deepEqual(facts.hardLimits, { RLIMIT_NOFILE: 20000, RLIMIT_NICE: 0 });
  assert.deepEqual([facts.cpus, facts.memoryBytes, facts.swapBytes, facts.oomScoreAdj], [4, 16384 * 1024, 1024 * 1024, -100]);
  assert.deepEqual(facts.kernel.version, [6, 1]);
  assert.deepEqual([facts.apparmor, facts.seccomp, facts.ipv4Forwarding], [false, true, true]);
});

test("a machine without cgroups can limit nothing", (t) => {
  const { cgroup } = machine(t, common);
  assert.ok(!cgroup.memoryLimit && !cgroup.cpuCfs && !cgroup.pidsLimit && !cgroup.cpuset);
});

test("profiles of AppArmor are those that are loaded when they are asked for, whatever is in their names", (t) => {
  const path = "sys/kernel/security/apparmor/profiles";
  const root = recorded(t, { ...common, [path]: "docker-default (enforce)\n" });
  const facts = hostFacts({ root });
  assert.deepEqual(facts.apparmorProfiles, ["docker-default"]);
  writeFileSync(join(root, path), "docker-default (enforce)\nMongoDB Compass (unconfined)\n/usr/bin/man (complain)\n");
  assert.deepEqual(facts.apparmorProfiles, ["docker-default", "MongoDB Compass", "/usr/bin/man"]);
});

test("forwarding is as it is when it is asked for", (t) => {
  const root = recorded(t, { ...common, "proc/sys/net/ipv4/ip_forward": "0\n" });
  const facts = hostFacts({ root });
  assert.equal(facts.ipv4Forwarding, false);
  writeFileSync(join(root, "proc/sys/net/ipv4/ip_forward"), "1\n");
  assert.equal(facts.ipv4Forwarding, true);
});
