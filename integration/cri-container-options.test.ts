import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GrpcCode } from "@pouchcontainer/errors";
import { MountPropagation, NamespaceMode } from "../packages/cri/src/gen/runtime_v1_pb.ts";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually } from "./harness/daemon.ts";

void describe("what CRI's containers have, of their own and of their pod", () => {
  let daemon: Daemon;
  let clients: CriClients;

  before(async () => {
    daemon = await Daemon.start({ cri: true });
    clients = criClients(daemon.criSocket);
  });

  after(async () => {
    clients?.[Symbol.dispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  test("containers of a pod share its network, its IPC, its name and its files, and are Docker's too", async () => {
    const pod = await CriPod.run(daemon, clients);
    const server = await pod.start("while :; do echo hello | nc -l -p 8080; done", { metadata: { name: "server" } });
    const other = await pod.start("sleep 1000");
    await eventually("the neighbour answers", async () => {
      const { stdout } = await pod.client.execSync({
        containerId: other,
        cmd: ["nc", "-w", "2", "127.0.0.1", "8080"],
        timeout: 10n,
      });
      return Buffer.from(stdout).toString() === "hello\n";
    });
    assert.equal(await pod.say(other, "cat", "/etc/hostname"), `${pod.config.hostname}\n`);
    assert.equal(await pod.say(other, "hostname"), `${pod.config.hostname}\n`);
    await pod.say(server, "sh", "-c", "echo shared > /dev/shm/file");
    assert.equal(await pod.say(other, "cat", "/dev/shm/file"), "shared\n");
    const links = await Promise.all([server, other].map((id) => pod.say(id, "readlink", "/proc/1/ns/ipc")));
    assert.equal(links[0], links[1]);
    const { stdout } = await daemon.docker(
      "ps",
      "--format",
      "{{.Names}}",
      "--filter",
      `label=io.kubernetes.sandbox.id=${pod.id}`,
    );
    assert.match(stdout, new RegExp(`^k8s_server_${pod.config.metadata?.name}_tests_uid-.*_0$`, "m"));
    assert.equal((await daemon.docker("logs", server)).code, 1, "it has no log, which no container of the daemon's own lacks");
    await pod.remove();
    await assert.rejects(pod.status(server), { code: GrpcCode.notFound });
  });

  test("one container sees the processes of another where it asks for them, and of its pod where that shares them", async () => {
    const pod = await CriPod.run(daemon, clients);
    const target = await pod.start("sleep 4711");
    const debug = await pod.start("sleep 1000", {
      linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.TARGET, targetId: target } } },
    });
    assert.match(await pod.say(debug, "ps"), /sleep 4711/);
    await pod.remove();
    const linux = { cgroupParent: `/${daemon.cgroupParent}/shared` };
    const shared = await CriPod.run(daemon, clients, { linux });
    const [one, two] = [await shared.start("sleep 4712"), await shared.start("sleep 4713")];
    assert.match(await shared.say(one, "ps"), /sleep 4713/);
    assert.match(await shared.say(two, "ps"), /sleep 4712/);
    await shared.remove();
  });

  test("user, groups, capabilities, seccomp and limits are in force", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("sleep 1000", {
      linux: {
        resources: { memoryLimitInBytes: 64n << 20n, cpuQuota: 20_000n, cpuPeriod: 100_000n, cpuShares: 512n, oomScoreAdj: 500n },
        securityContext: {
          runAsUser: { value: 1000n },
          runAsGroup: { value: 1n },
          supplementalGroups: [777n],
          noNewPrivs: true,
          readonlyRootfs: true,
          maskedPaths: ["/proc/keys"],
          readonlyPaths: ["/proc/sys"],
          capabilities: { dropCapabilities: ["ALL"], addAmbientCapabilities: ["NET_BIND_SERVICE"] },
          seccomp: { profileType: 0 },
          namespaceOptions: { pid: 1, usernsOptions: { mode: 2 } },
        },
      },
    });
    assert.equal(await pod.say(id, "id", "-u"), "1000\n");
    assert.equal(await pod.say(id, "id", "-G"), "1 777 2000\n");
    const status = await pod.say(id, "cat", "/proc/1/status");
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    assert.match(status, /^CapAmb:\t0000000000000400$/m);
    assert.equal(await pod.say(id, "cat", "/proc/1/oom_score_adj"), "500\n");
    await assert.rejects(pod.say(id, "touch", "/x"), /Read-only/);
    const { user, resources } = await pod.status(id);
    assert.deepEqual([user?.linux?.uid, user?.linux?.gid], [1000n, 1n]);
    assert.ok(user?.linux?.supplementalGroups.includes(777n));
    assert.equal(resources?.linux?.memoryLimitInBytes, 64n << 20n);
    assert.equal(limitOf(await pidOf(daemon, id), "memory"), String(64 << 20));
    await pod.client.updateContainerResources({ containerId: id, linux: { memoryLimitInBytes: 96n << 20n } });
    assert.equal(limitOf(await pidOf(daemon, id), "memory"), String(96 << 20));
    assert.equal((await pod.status(id)).resources?.linux?.memoryLimitInBytes, 96n << 20n);
    await pod.remove();
  });

  test("without a profile seccomp is off, and nothing is masked", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("sleep 1000", { linux: { securityContext: {} } });
    assert.match(await pod.say(id, "cat", "/proc/1/status"), /^Seccomp:\t0$/m);
    assert.doesNotMatch(await pod.say(id, "cat", "/proc/1/mountinfo"), / \/proc\/(kcore|keys) /);
    await pod.remove();
  });

  test("mounts are there as asked for, and told again", async () => {
    const pod = await CriPod.run(daemon, clients);
    const folder = join(daemon.directory, "mounted");
    mkdirSync(join(folder, "sub"), { recursive: true });
    writeFileSync(join(folder, "file"), "of the host");
    const message = join(folder, "termination-log");
    writeFileSync(message, "");
    const id = await pod.start("echo why > /dev/termination-log; sleep 1000", {
      envs: [{ key: "GREETING", value: Buffer.from("grüezi") }],
      mounts: [
        { containerPath: "/ro", hostPath: folder, readonly: true },
        { containerPath: "/rw", hostPath: folder },
        { containerPath: "/made", hostPath: join(folder, "made") },
        { containerPath: "/dev/termination-log", hostPath: message },
        { containerPath: "/other", image: { image: "busybox" } },
      ],
    });
    assert.equal(await pod.say(id, "cat", "/ro/file"), "of the host");
    await assert.rejects(pod.say(id, "touch", "/ro/x"), /Read-only/);
    await pod.say(id, "touch", "/rw/x", "/made/y");
    assert.ok(existsSync(join(folder, "x")) && existsSync(join(folder, "made/y")));
    assert.match(await pod.say(id, "ls", "/other/bin"), /busybox/);
    assert.equal(await pod.say(id, "sh", "-c", "printf %s $GREETING"), "grüezi");
    assert.equal(readFileSync(message, "utf8"), "why\n");
    const { mounts } = await pod.status(id);
    assert.equal(mounts.find(({ containerPath }) => containerPath === "/dev/termination-log")?.hostPath, message);
    assert.deepEqual(
      mounts.map(({ readonly }) => readonly),
      [true, false, false, false, false],
    );
    await pod.remove();
  });

  test("hosts are the machine's, unless a file is mounted for them", async () => {
    const pod = await CriPod.run(daemon, clients);
    const plain = await pod.start("sleep 1000");
    assert.equal(await pod.say(plain, "cat", "/etc/hosts"), readFileSync("/etc/hosts", "utf8"));
    const hostPath = join(daemon.directory, "etc-hosts");
    writeFileSync(hostPath, "192.0.2.7 of-the-kubelet\n");
    const managed = await pod.start("sleep 1000", { mounts: [{ containerPath: "/etc/hosts", hostPath }] });
    assert.equal(await pod.say(managed, "cat", "/etc/hosts"), "192.0.2.7 of-the-kubelet\n");
    await pod.remove();
  });

  test("the host's root can be shown to a container, but not recursively read-only", async () => {
    const pod = await CriPod.run(daemon, clients);
    const mounts = [{ containerPath: "/host", hostPath: "/" }];
    const id = await pod.start("sleep 1000", { mounts });
    assert.equal(await pod.say(id, "cat", "/host/etc/hostname"), readFileSync("/etc/hostname", "utf8"));
    const { mounts: told } = await pod.status(id);
    assert.deepEqual(
      told.map(({ hostPath, propagation }) => [hostPath, propagation]),
      [["/", MountPropagation.PROPAGATION_PRIVATE]],
    );
    await assert.rejects(
      pod.create({ mounts: [{ containerPath: "/host", hostPath: "/", readonly: true, recursiveReadOnly: true }] }),
      { code: GrpcCode.invalidArgument, message: /daemon root/ },
    );
    await pod.remove();
  });
});

async function pidOf(daemon: Daemon, id: string): Promise<number> {
  return (await daemon.api("GET", `/containers/${id}/json`)).json<{ State: { Pid: number } }>().State.Pid;
}

/** The limit of a process's control group, of either version of cgroups. */
function limitOf(pid: number, controller: "memory"): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const v1 = lines.find((line) => line.split(":")[1]?.split(",").includes(controller));
  const path = (v1 ?? lines[0] ?? "").split(":")[2] ?? "";
  const file = v1 ? `/sys/fs/cgroup/${controller}${path}/memory.limit_in_bytes` : `/sys/fs/cgroup${path}/memory.max`;
  return readFileSync(file, "utf8").trim();
}
