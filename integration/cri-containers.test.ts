import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { GrpcCode } from "@pouchcontainer/errors";
import { ContainerState, type ContainerEventType } from "../packages/cri/src/gen/runtime_v1_pb.ts";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { apiVersions } from "../packages/cri/src/wire/services.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually } from "./harness/daemon.ts";
import { parentOf } from "./soak/machine-state.ts";
import { sendSignal } from "./harness/send-signal.ts";

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

  test("a stop gives its time of grace, or none", async () => {
    const pod = await CriPod.run(daemon, clients);
    const obeys = await pod.start("trap 'exit 7' TERM; touch /ready; while :; do sleep 0.1; done");
    const ignores = await pod.start("trap '' TERM; touch /ready; while :; do sleep 0.1; done");
    for (const containerId of [obeys, ignores]) {
      const cmd = ["test", "-e", "/ready"];
      await eventually("it is ready", async () => (await pod.client.execSync({ containerId, cmd })).exitCode === 0);
    }
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

  test("what fails before it could run is over as well, whoever asks for it again", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.create({ command: ["sleep", "1000"], logPath: "a.log" });
    mkdirSync((await pod.status(id)).logPath, { recursive: true });
    await assert.rejects(pod.client.startContainer({ containerId: id }), /is no regular file/);
    const { state, reason, message, exitCode, startedAt, finishedAt } = await pod.status(id);
    assert.deepEqual([state, reason, exitCode, startedAt], [ContainerState.CONTAINER_EXITED, "StartError", 128, 0n]);
    assert.match(message, /is no regular file/);
    assert.ok(finishedAt > 0n);
    rmdirSync((await pod.status(id)).logPath);
    await assert.rejects(pod.client.startContainer({ containerId: id }), coded(GrpcCode.failedPrecondition));
    const again = await daemon.api("POST", `/containers/${id}/start`);
    assert.deepEqual([again.status, /its start has failed/.test(again.text)], [409, true], again.text);
    assert.equal((await pod.status(id)).state, ContainerState.CONTAINER_EXITED);
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
    const id = await pod.start("while read line; do echo $line; done", { logPath: "a.log", stdin: true });
    const { logPath } = await pod.status(id);
    const type = (line: string) => pod.say(id, "sh", "-c", `echo ${line} > /proc/1/fd/0`);
    await type("before");
    await eventually("the first line is logged", () => readFileSync(logPath, "utf8").includes("before"));
    renameSync(logPath, `${logPath}.1`);
    await pod.client.reopenContainerLog({ containerId: id });
    await type("after");
    await eventually("the second line is logged", () => readFileSync(logPath, "utf8").includes("after"));
    // Not by a last line: it would take the exec that types it along.
    await pod.client.stopContainer({ containerId: id, timeout: 0n });
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

  test("containers of a pod have a shim each, which ends with them", async () => {
    const pod = await CriPod.run(daemon, clients);
    const ids = [await pod.start("sleep 1000"), await pod.start("sleep 1000")];
    const pids = await Promise.all(
      ids.map(async (id) => (await daemon.api("GET", `/containers/${id}/json`)).json<{ State: { Pid: number } }>().State.Pid),
    );
    const [first = 0, second = 0] = pids.map(parentOf);
    assert.notEqual(first, second);
    sendSignal(first, "SIGKILL");
    await pod.ended(ids[0] ?? "");
    assert.equal((await pod.status(ids[1] ?? "")).state, ContainerState.CONTAINER_RUNNING);
    await pod.remove();
    assert.ok(!existsSync(`/proc/${second}/exe`));
  });

  test("who asks for events hears what becomes of containers and pods", async () => {
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
    await pod.remove();
    const ofPod = await eventually("the pod's end is heard", () => {
      const mine = heard.filter(([container]) => container === pod.id).map(([, type]) => type);
      return mine.length === 2 && mine;
    });
    assert.deepEqual(ofPod, [2, 3]);
    gone.abort();
    await listening;
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
