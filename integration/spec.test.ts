import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import type { ContainerRecord } from "../packages/engine/src/containers/container-record.ts";
import { sampleRecord, sampleSettings } from "../packages/engine/src/containers/spec/sample-record.ts";
import { type HostFacts, buildSpec, hostDevices, hostFacts, rootfsReader } from "../packages/engine/src/containers/spec/index.ts";

const run = promisify(execFile);

/** A root file system of the machine's static busybox, removed with everything else at the end. */
function makeRootfs(directory: string): string {
  const rootfs = join(directory, "rootfs");
  for (const folder of ["bin", "etc", "tmp", "data"]) mkdirSync(join(rootfs, folder), { recursive: true });
  copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
  for (const applet of ["sh", "cat", "id", "grep", "hostname", "touch", "ls", "mount", "env", "pwd", "nc", "unshare", "dd"])
    symlinkSync("busybox", join(rootfs, "bin", applet));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nweb:x:1001:\nlogs:x:1002:web\naudio:x:29:\n");
  return rootfs;
}

const cgroupParent = `/pouch-spec-${process.pid}`;

after(() => {
  for (const hierarchy of ["", ...readdirSync("/sys/fs/cgroup")]) {
    const directory = join("/sys/fs/cgroup", hierarchy, cgroupParent);
    if (existsSync(directory)) rmdirSync(directory);
  }
});

/** Runs one shell script in a container made of this record and returns what it printed. */
async function runScript(
  script: string,
  change: (record: ContainerRecord) => void,
  facts: HostFacts = hostFacts(),
): Promise<{ output: string; warnings: string[] }> {
  const directory = mkdtempSync(join(tmpdir(), "pouch-spec-"));
  const record = sampleRecord({ id: randomBytes(32).toString("hex"), path: "/bin/sh", args: ["-c", script] });
  try {
    const rootfs = makeRootfs(directory);
    change(record);
    const { spec, warnings } = buildSpec({
      record,
      facts,
      settings: sampleSettings({ cgroupParent, recursiveReadOnly: true }),
      rootPath: rootfs,
      rootfs: rootfsReader(rootfs),
      devices: hostDevices(),
      mountInfo: () => "",
      network: {},
      hooks: [],
      joined: {},
    });
    writeFileSync(join(directory, "config.json"), JSON.stringify(spec));
    const { stdout } = await run("runc", ["--root", join(directory, "state"), "run", "--bundle", directory, record.id]);
    return { output: stdout, warnings };
  } finally {
    await run("runc", ["--root", join(directory, "state"), "delete", "--force", record.id]).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  }
}

const statusField = (status: string, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];

test("a container runs with the default capabilities, the seccomp filter, its hostname and hidden paths", async () => {
  const { output } = await runScript(
    "cat /proc/self/status; hostname; ls /sys/firmware | grep -c . ; cat /proc/keys /proc/timer_list; touch /proc/sys/x 2>&1; echo pid=$$; pwd",
    () => undefined,
  );
  assert.equal(statusField(output, "CapEff"), "00000000a80425fb");
  assert.equal(statusField(output, "CapBnd"), "00000000a80425fb");
  assert.equal(statusField(output, "Seccomp"), "2");
  assert.equal(statusField(output, "NoNewPrivs"), "0");
  assert.match(output, /^0123456789ab$/m);
  assert.match(output, /^0$/m, "nothing is seen in a masked folder");
  assert.match(output, /touch: .*(Read-only file system|No such file)/);
  assert.match(output, /^pid=1$/m);
});

test("limits arrive in the cgroup", async () => {
  const { output } = await runScript(
    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null; true",
    ({ hostConfig }) =>
      Object.assign(hostConfig, {
        Memory: 64 * 1024 * 1024,
        MemorySwap: 128 * 1024 * 1024,
        PidsLimit: 50,
        NanoCpus: 500_000_000,
      }),
  );
  assert.match(output, /^67108864$/m);
  assert.match(output, /^50$/m);
  assert.match(output, /^50000/m);
});

test("a named user gets its groups, its home and no effective capability", async () => {
  const { output } = await runScript("id; env; cat /proc/self/status; umask", ({ config, hostConfig }) => {
    config.User = "web";
    hostConfig.GroupAdd = ["audio"];
  });
  assert.match(
    output,
    /uid=1000\(web\) gid=1001\(web\) groups=.*29\(audio\).*1002\(logs\)|uid=1000\(web\) gid=1001\(web\) groups=.*1002\(logs\).*29\(audio\)/,
  );
  assert.match(output, /^HOME=\/home\/web$/m);
  assert.equal(statusField(output, "CapEff"), "0000000000000000");
  assert.equal(statusField(output, "CapBnd"), "00000000a80425fb");
});

test("a read-only root refuses writes, a tmpfs and a writable bind on it take them", async () => {
  const source = mkdtempSync(join(tmpdir(), "pouch-spec-bind-"));
  try {
    const { output } = await runScript(
      "touch /x 2>&1; touch /scratch/x && echo scratch; touch /data/made && echo data; touch /locked/x 2>&1; grep /scratch /proc/mounts",
      (record) => {
        record.hostConfig.ReadonlyRootfs = true;
        record.hostConfig.Tmpfs = { "/scratch": "size=1m,exec" };
        record.mountPoints = [
          { type: "bind", source, destination: "/data", mode: "", rw: true, propagation: "rprivate" },
          { type: "bind", source, destination: "/locked", mode: "ro", rw: false, propagation: "rprivate" },
        ];
      },
    );
    assert.match(output, /touch: \/x: Read-only file system/);
    assert.match(output, /^scratch$/m);
    assert.match(output, /^data$/m);
    assert.match(output, /touch: \/locked\/x: Read-only file system/);
    assert.match(output, /tmpfs \/scratch tmpfs rw,nosuid,nodev,.*size=1024k/);
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
});

test("a read-only bind is read-only with everything mounted below it", async () => {
  const source = mkdtempSync(join(tmpdir(), "pouch-spec-rro-"));
  const below = join(source, "below");
  mkdirSync(below);
  await run("mount", ["-t", "tmpfs", "tmpfs", below]);
  try {
    const { output } = await runScript("touch /data/x 2>&1; touch /data/below/x 2>&1; true", (record) => {
      record.mountPoints = [{ type: "bind", source, destination: "/data", mode: "ro", rw: false, propagation: "rprivate" }];
    });
    assert.match(output, /touch: \/data\/x: Read-only file system/);
    assert.match(output, /touch: \/data\/below\/x: Read-only file system/);
  } finally {
    await run("umount", [below]);
    rmSync(source, { recursive: true, force: true });
  }
});

test("a privileged container holds what the daemon holds and sees its devices", async () => {
  const facts = hostFacts();
  const { output } = await runScript("cat /proc/self/status; ls /dev", ({ hostConfig }) => {
    hostConfig.Privileged = true;
  });
  const effective = BigInt(`0x${statusField(output, "CapEff")}`);
  assert.equal(effective.toString(2).replaceAll("0", "").length, facts.boundingCapabilities.length);
  assert.equal(statusField(output, "Seccomp"), "0");
  assert.match(output, /^null$/m);
});

test("what the daemon itself may not do is left out with a warning, and the container runs", async () => {
  const facts = hostFacts();
  const confined: HostFacts = {
    ...facts,
    boundingCapabilities: facts.boundingCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE"),
    mayRaiseLimits: false,
    hardLimits: { RLIMIT_NOFILE: 4096 },
    oomScoreAdj: Math.max(0, facts.oomScoreAdj),
  };
  const { output, warnings } = await runScript(
    "cat /proc/self/status /proc/self/oom_score_adj; ulimit -n",
    ({ hostConfig }) => {
      hostConfig.CapAdd = ["SYS_RESOURCE"];
      hostConfig.OomScoreAdj = -900;
      hostConfig.Ulimits = [{ Name: "nofile", Soft: 10_000_000, Hard: 10_000_000 }];
    },
    confined,
  );
  assert.equal(statusField(output, "CapEff"), "00000000a80425fb");
  assert.match(output, /^4096$/m);
  assert.deepEqual(
    warnings.map((warning) => /CAP_SYS_RESOURCE|oom_score_adj|nofile/.exec(warning)?.[0]),
    ["CAP_SYS_RESOURCE", "nofile", "oom_score_adj"],
  );
});

test("an unlimited ulimit reaches the process", async () => {
  const { output } = await runScript("ulimit -H -c", ({ hostConfig }) => {
    hostConfig.Ulimits = [{ Name: "core", Soft: 0, Hard: -1 }];
  });
  assert.match(output, /^unlimited$/m);
});

test("the filter stops a new user namespace and lets an ordinary socket through", async () => {
  const { output } = await runScript("unshare -U true 2>&1; nc 127.0.0.1 1 2>&1; true", () => undefined);
  assert.match(output, /unshare: .*Operation not permitted/);
  assert.match(output, /refused/);
});
