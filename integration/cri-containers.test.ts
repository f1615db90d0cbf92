import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GrpcCode } from "@pouchcontainer/errors";
import { ContainerState, NamespaceMode, type ContainerEventType } from "../packages/cri/src/gen/runtime_v1_pb.ts";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { apiVersions } from "../packages/cri/src/wire/services.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually } from "./harness/daemon.ts";

const coded = (code: number) => ({ code });

void describe("CRI's containers", () => {
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

  for (const version of apiVersions)
    test(`a container lives from create to removal, and its log is CRI's (${version})`, async () => {
      const pod = await CriPod.run(daemon, clients, {}, version);
      const id = await pod.create({
        metadata: { name: "app", attempt: 3 },
        command: ["sh", "-c"],
        args: ["echo to-out; echo to-err >&2; printf unfinished; exit 3"],
        labels: { app: "shop" },
        annotations: { note: "kept" },
        logPath: "app/3.log",
      });
      assert.match(id, /^[0-9a-f]{64}$/);
      const made = await pod.status(id);
      assert.deepEqual([made.state, made.startedAt, made.metadata?.attempt], [ContainerState.CONTAINER_CREATED, 0n, 3]);
      await pod.client.startContainer({ containerId: id });
      const ended = await pod.ended(id);
      assert.deepEqual(
        [ended.exitCode, ended.reason, ended.labels, ended.annotations],
        [3, "Error", { app: "shop" }, { note: "kept" }],
      );
      assert.ok(ended.createdAt <= ended.startedAt && ended.startedAt < ended.finishedAt);
      assert.equal(ended.image?.image, "docker.io/library/busybox:latest");
      const log = readFileSync(ended.logPath, "utf8");
      assert.equal(ended.logPath, join(pod.config.logDirectory ?? "", "app/3.log"));
      assert.match(log, /^\S+ stdout F to-out$/m);
      assert.match(log, /^\S+ stderr F to-err$/m);
      assert.match(log, /^\S+ stdout [PF] unfinished$/m);
      const { containers } = await pod.client.listContainers({ filter: { podSandboxId: pod.id } });
      assert.deepEqual(
        containers.map((each) => each.id),
        [id],
      );
      await pod.client.removeContainer({ containerId: id });
      await pod.client.removeContainer({ containerId: id });
      await pod.client.stopContainer({ containerId: id });
      await assert.rejects(pod.status(id), coded(GrpcCode.notFound));
      assert.ok(existsSync(ended.logPath), "the log is the kubelet's");
      await pod.remove();
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
    await assert.rejects(pod.status(server), coded(GrpcCode.notFound));
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

  test("a stop gives its time of grace, or none", async () => {
    const pod = await CriPod.run(daemon, clients);
    const obeys = await pod.start("trap 'exit 7' TERM; while :; do sleep 0.1; done");
    const ignores = await pod.start("trap '' TERM; while :; do sleep 0.1; done");
    await pod.client.stopContainer({ containerId: obeys, timeout: 20n });
    assert.equal((await pod.status(obeys)).exitCode, 7);
    const begun = performance.now();
    await pod.client.stopContainer({ containerId: ignores, timeout: 0n });
    assert.ok(performance.now() - begun < 5000);
    assert.equal((await pod.status(ignores)).exitCode, 137);
    await pod.client.stopContainer({ containerId: ignores, timeout: 0n });
    await assert.rejects(pod.client.startContainer({ containerId: obeys }), coded(GrpcCode.failedPrecondition));
    await pod.remove();
  });

  test("what cannot be started is over, and says why and when", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.create({ command: ["/no/such/program"] });
    await assert.rejects(pod.client.startContainer({ containerId: id }), /no such file/);
    const { state, reason, message, exitCode, finishedAt } = await pod.status(id);
    assert.deepEqual([state, reason, exitCode > 0], [ContainerState.CONTAINER_EXITED, "StartError", true]);
    assert.match(message, /no such file/);
    assert.ok(finishedAt > 0n);
    await assert.rejects(pod.client.startContainer({ containerId: id }), coded(GrpcCode.failedPrecondition));
    await pod.remove();
  });

  test("one that the kernel killed for its memory is told as OOMKilled", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("exec dd if=/dev/zero of=/dev/null bs=100M", {
      linux: { resources: { memoryLimitInBytes: 16n << 20n } },
    });
    const { reason, exitCode } = await pod.ended(id);
    assert.deepEqual([reason, exitCode], ["OOMKilled", 137]);
    await pod.remove();
  });

  test("a command is run to its end, to its time, or to its limit", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("sleep 1000");
    const run = (...cmd: string[]) => pod.client.execSync({ containerId: id, cmd, timeout: 20n });
    const { stdout, stderr, exitCode } = await run("sh", "-c", "echo out; echo err >&2; exit 5");
    assert.deepEqual([Buffer.from(stdout).toString(), Buffer.from(stderr).toString(), exitCode], ["out\n", "err\n", 5]);
    assert.equal((await run("head", "-c", "10000000", "/dev/zero")).stdout.length, 10_000_000);
    await assert.rejects(
      pod.client.execSync({ containerId: id, cmd: ["sleep", "4714"], timeout: 1n }),
      coded(GrpcCode.deadlineExceeded),
    );
    await eventually("the late command is killed", async () => !(await pod.say(id, "ps")).includes("sleep 4714"));
    await assert.rejects(run("/no/such/program"), /no such file/);
    await pod.client.stopContainer({ containerId: id });
    await assert.rejects(run("true"), coded(GrpcCode.failedPrecondition));
    await pod.remove();
  });

  test("a log that was put aside is opened anew", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("for i in 1 2; do read line; echo $line; done", { logPath: "a.log", stdin: true });
    const { logPath } = await pod.status(id);
    const type = (line: string) => pod.say(id, "sh", "-c", `echo ${line} > /proc/1/fd/0`);
    await type("before");
    await eventually("the first line is logged", () => readFileSync(logPath, "utf8").includes("before"));
    renameSync(logPath, `${logPath}.1`);
    await pod.client.reopenContainerLog({ containerId: id });
    await type("after");
    await pod.ended(id);
    assert.match(readFileSync(logPath, "utf8"), /^\S+ stdout F after\n$/);
    assert.match(readFileSync(`${logPath}.1`, "utf8"), /^\S+ stdout F before\n$/);
    await assert.rejects(pod.client.reopenContainerLog({ containerId: id }), coded(GrpcCode.failedPrecondition));
    await pod.remove();
  });

  test("stats are of the kernel, of one container, of a list, and in parts", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("head -c 3000000 /dev/zero > /file; while :; do :; done", { labels: { busy: "yes" } });
    const filter = { podSandboxId: pod.id };
    await pod.client.containerStats({ containerId: id });
    const stats = await eventually("it was seen to work", async () => {
      const { stats: seen } = await pod.client.containerStats({ containerId: id });
      return (seen?.cpu?.usageNanoCores?.value ?? 0n) > 10_000_000n && seen;
    });
    assert.ok((stats.cpu?.usageCoreNanoSeconds?.value ?? 0n) > 0n);
    assert.ok((stats.memory?.workingSetBytes?.value ?? 0n) > 0n);
    assert.deepEqual(stats.attributes?.labels, { busy: "yes" });
    const { stats: listed } = await pod.client.listContainerStats({ filter });
    assert.deepEqual(
      listed.map(({ attributes }) => attributes?.id),
      [id],
    );
    const parts = await Array.fromAsync(pod.client.streamContainerStats({ filter }));
    assert.equal(parts[0]?.containerStats[0]?.attributes?.id, id);
    await eventually("its file was counted", async () => {
      const { stats: counted } = await pod.client.listContainerStats({ filter });
      return (counted[0]?.writableLayer?.usedBytes?.value ?? 0n) > 2_000_000n;
    });
    await assert.rejects(pod.client.containerStats({ containerId: "beef" }), coded(GrpcCode.notFound));
    await pod.remove();
  });

  test("who asks for events hears what becomes of containers", async () => {
    const pod = await CriPod.run(daemon, clients);
    const gone = new AbortController();
    const heard: [string, ContainerEventType, string | undefined][] = [];
    const listening = (async () => {
      for await (const event of pod.client.getContainerEvents({}, { signal: gone.signal }))
        heard.push([event.containerId, event.containerEventType, event.podSandboxStatus?.id]);
    })().catch(() => undefined);
    const first = await eventually("events come", async () => {
      const probe = await pod.create({});
      await pod.client.removeContainer({ containerId: probe });
      return heard.length > 0 && probe;
    });
    assert.ok(first);
    const id = await pod.start("exit 0");
    await pod.ended(id);
    await pod.client.removeContainer({ containerId: id });
    const types = await eventually("all four are heard", () => {
      const mine = heard.filter(([container, , podId]) => container === id && podId === pod.id).map(([, type]) => type);
      return mine.length === 4 && mine;
    });
    assert.deepEqual(types, [0, 1, 2, 3]);
    gone.abort();
    await listening;
    await pod.remove();
  });

  test("bad requests have the codes that clients know, and leave nothing", async () => {
    const pod = await CriPod.run(daemon, clients);
    const before = (await daemon.docker("ps", "-aq")).stdout;
    const refused = (config: Parameters<CriPod["create"]>[0], code: number) => assert.rejects(pod.create(config), coded(code));
    await refused({ image: { image: "no-such-image:1" } }, GrpcCode.notFound);
    await refused({ image: { image: "" } }, GrpcCode.invalidArgument);
    await refused({ linux: { resources: { cpusetCpus: "900" } } }, GrpcCode.invalidArgument);
    await refused({ linux: { securityContext: { namespaceOptions: { usernsOptions: { mode: 0 } } } } }, GrpcCode.invalidArgument);
    await refused({ linux: { securityContext: { capabilities: { addCapabilities: ["NONSENSE"] } } } }, GrpcCode.invalidArgument);
    await refused({ linux: { securityContext: { privileged: true } } }, GrpcCode.failedPrecondition);
    await refused(
      { linux: { securityContext: { seccomp: { profileType: 2, localhostRef: "/no/profile" } } } },
      GrpcCode.invalidArgument,
    );
    await refused({ logPath: "../../../etc/x" }, GrpcCode.invalidArgument);
    await pod.client.removeContainer({ containerId: await pod.create({ metadata: { name: "twice" } }) });
    const kept = await pod.create({ metadata: { name: "twice" } });
    await refused({ metadata: { name: "twice" } }, GrpcCode.alreadyExists);
    await pod.client.removeContainer({ containerId: kept });
    assert.equal((await daemon.docker("ps", "-aq")).stdout, before);
    await pod.client.stopPodSandbox({ podSandboxId: pod.id });
    await refused({}, GrpcCode.failedPrecondition);
    await pod.remove();
    await refused({}, GrpcCode.notFound);
  });

  test("containers of Docker's clients are not CRI's", async () => {
    const { stdout } = await daemon.docker("run", "-d", "busybox", "sleep", "1000");
    const containerId = stdout.trim();
    const client = clients.runtime();
    await assert.rejects(client.containerStatus({ containerId }), coded(GrpcCode.notFound));
    await client.removeContainer({ containerId });
    assert.match((await daemon.docker("ps", "-q", "--no-trunc")).stdout, new RegExp(containerId));
    await daemon.docker("rm", "-f", containerId);
  });

  test("containers outlive a killed daemon, with their logs and all that was said of them", async () => {
    const pod = await CriPod.run(daemon, clients);
    const script = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done";
    const id = await pod.start(script, { metadata: { name: "lasting" }, logPath: "l.log", labels: { a: "b" } });
    const before = await pod.status(id);
    await daemon.kill9();
    await daemon.launch();
    const afterwards = await eventually("CRI answers", () => pod.status(id).catch(() => undefined));
    assert.deepEqual({ ...afterwards, $unknown: undefined }, { ...before, $unknown: undefined });
    const lines = await eventually("it goes on", () => {
      const read = [...readFileSync(before.logPath, "utf8").matchAll(/ stdout F line (\d+)$/gm)].map(([, number]) =>
        Number(number),
      );
      return read.length > 40 && read;
    });
    assert.deepEqual(
      lines,
      lines.map((_, index) => index + 1),
    );
    assert.equal(await pod.say(id, "echo", "here"), "here\n");
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
