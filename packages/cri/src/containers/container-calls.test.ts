import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { StateChange, RunSyncOptions } from "@pouchcontainer/engine";
import { ContainerEventType, ContainerState, RuntimeService, Signal } from "../gen/runtime_v1_pb.ts";
import { containerRecord, containersDeps, FakeContainers, FakePods, idOf, podRecord } from "../testing/fake-containers.ts";
import { FakeImages, forever, imageView } from "../testing/fake-images.ts";
import { containerCalls } from "./container-calls.ts";
import { ContainerMeter } from "./stats/container-meter.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { podLabel } from "./translate/create-body.ts";

const { method } = RuntimeService;
const request = <Desc extends DescMessage>({ input }: { input: Desc }, init: MessageInitShape<Desc>) => create(input, init);

const app = (name: string, labels: Record<string, string> = {}, pod = "web") =>
  containerRecord(
    { Name: name, Image: "busybox", HostConfig: { Memory: 1024 } },
    {
      pod: { podId: idOf(pod), namespaces: { network: "", ipc: "", uts: "", pid: "" }, files: {}, logPath: "/log" },
      cri: { identity: { name, attempt: 1, image: "busybox", labels, annotations: { a: "b" }, mounts: [] } },
    },
  );

function world(containers: FakeContainers, more: Partial<ContainersDeps> = {}) {
  const deps = containersDeps(containers, more);
  const calls = containerCalls(deps, new ContainerMeter(deps));
  const id = containers.all[0]?.id ?? "";
  return { calls, id };
}

test("only containers of pods are listed, and filters select by id, pod, state and label", async () => {
  const containers = new FakeContainers(
    app("a", { app: "x" }),
    app("b", {}, "other"),
    containerRecord({ Name: "docker" } as never, {}),
  );
  containers.change(idOf("b"), { status: "running" });
  const { calls } = world(containers, { pods: new FakePods(podRecord("web"), podRecord("other")) });
  const list = async (filter?: MessageInitShape<typeof method.listContainers.input>["filter"]) => {
    const { containers: found = [] } = await calls.listContainers(
      request(method.listContainers, filter === undefined ? {} : { filter }),
      forever,
    );
    return found.map(({ metadata }) => metadata?.name);
  };
  assert.deepEqual(await list(), ["a", "b"]);
  assert.deepEqual(await list({ podSandboxId: idOf("other") }), ["b"]);
  assert.deepEqual(await list({ id: idOf("a").slice(0, 2) }), ["a"]);
  assert.deepEqual(await list({ id: "6" }), [], "two have this prefix");
  assert.deepEqual(await list({ id: "ffff" }), []);
  assert.deepEqual(await list({ state: { state: ContainerState.CONTAINER_RUNNING } }), ["b"]);
  assert.deepEqual(await list({ state: { state: ContainerState.CONTAINER_CREATED } }), ["a"]);
  assert.deepEqual(await list({ labelSelector: { app: "x" } }), ["a"]);
  const parts = await Array.fromAsync(calls.streamContainers(request(method.streamContainers, {}), forever));
  assert.deepEqual(
    parts.map(({ containers: found = [] }) => found.length),
    [2],
  );
});

test("a status tells the image by its name, times in nanoseconds, limits, and how it ended", async () => {
  const containers = new FakeContainers(app("a", { app: "x" }));
  const image = imageView("busybox");
  const { calls, id } = world(containers, { images: new FakeImages(image) });
  const status = async () =>
    (await calls.containerStatus(request(method.containerStatus, { containerId: id.slice(0, 8) }), forever)).status;
  const made = await status();
  assert.equal(made?.state, ContainerState.CONTAINER_CREATED);
  assert.equal(made?.createdAt, 1767323045000000006n);
  assert.deepEqual([made?.startedAt, made?.finishedAt, made?.reason], [0n, 0n, ""]);
  assert.equal(made?.image?.image, "docker.io/library/busybox:latest");
  assert.equal(made?.imageRef, image.digests[0]);
  assert.equal(made?.resources?.linux?.memoryLimitInBytes, 1024n);
  assert.equal(made?.stopSignal, Signal.SIGTERM);
  containers.change(id, { status: "running", pid: 5, startedAt: "2026-01-02T03:04:06Z" });
  assert.equal((await status())?.state, ContainerState.CONTAINER_RUNNING);
  const ended = async (state: object) => {
    containers.change(id, { status: "exited", finishedAt: "2026-01-02T03:04:07Z", ...state });
    const { reason, exitCode, finishedAt } = (await status()) ?? {};
    assert.equal(finishedAt, 1767323047000000000n);
    return [reason, exitCode];
  };
  assert.deepEqual(await ended({ exitCode: 0 }), ["Completed", 0]);
  assert.deepEqual(await ended({ exitCode: 3 }), ["Error", 3]);
  assert.deepEqual(await ended({ exitCode: 137, oomKilled: true }), ["OOMKilled", 137]);
  assert.deepEqual(await ended({ status: "created", exitCode: 128, oomKilled: false, error: "no such file" }), [
    "StartError",
    128,
  ]);
  assert.equal((await status())?.message, "no such file");
  assert.equal((await status())?.state, ContainerState.CONTAINER_EXITED);
});

test("a verbose status shows what helps to find a fault, and no environment", async () => {
  const record = app("a");
  const { calls, id } = world(new FakeContainers({ ...record, config: { ...record.config, Env: ["TOKEN=secret"] } }));
  const { info } = await calls.containerStatus(request(method.containerStatus, { containerId: id, verbose: true }), forever);
  assert.equal(Object(JSON.parse(info?.["info"] ?? "")).sandboxID, idOf("web"));
  assert.doesNotMatch(info?.["info"] ?? "", /secret/);
});

test("a container is started once, in a pod that is ready", async () => {
  const containers = new FakeContainers(app("a"), app("b"));
  const pods = new FakePods(podRecord("web"));
  const { calls } = world(containers, { pods });
  const start = (name: string) => calls.startContainer(request(method.startContainer, { containerId: idOf(name) }), forever);
  await start("a");
  await assert.rejects(start("a"), { kind: "failedPrecondition", message: /started once/ });
  containers.change(idOf("a"), { status: "exited" });
  await assert.rejects(start("a"), { kind: "failedPrecondition" });
  await assert.rejects(start("none"), { kind: "notFound" });
  pods.all.splice(0, 1, { ...podRecord("web"), state: "notReady" });
  await assert.rejects(start("b"), { kind: "failedPrecondition", message: /not ready/ });
});

test("a stop has its time of grace, and without one kills; what does not run or is gone is stopped already", async () => {
  const containers = new FakeContainers(app("a"));
  const { calls, id } = world(containers);
  const stop = (timeout: bigint, containerId = id) =>
    calls.stopContainer(request(method.stopContainer, { containerId, timeout }), forever);
  containers.change(id, { status: "running" });
  await stop(30n);
  await stop(0n);
  await stop(0n, idOf("gone"));
  assert.deepEqual(containers.asked, [
    ["stop", { timeoutSeconds: 30, released: false }],
    ["stop", { signal: "SIGKILL", timeoutSeconds: 10, released: false }],
  ]);
  await assert.rejects(stop(0n, ""), { kind: "invalidArgument" });
});

test("a removal takes everything, and succeeds again", async () => {
  const containers = new FakeContainers(app("a"));
  const { calls, id } = world(containers);
  const remove = () => calls.removeContainer(request(method.removeContainer, { containerId: id }), forever);
  await remove();
  await remove();
  assert.deepEqual(containers.asked, [["remove", { force: true, volumes: true, link: false, promised: true }]]);
});

test("what was told to be gone is shown to nobody, and its name is nobody's, while it goes yet", async () => {
  const going = { ...app("a"), removal: { volumes: true, promised: true } };
  const containers = new FakeContainers(going, app("b"));
  const { calls, id } = world(containers);
  const { containers: found = [] } = await calls.listContainers(request(method.listContainers, {}), forever);
  assert.deepEqual(
    found.map(({ metadata }) => metadata?.name),
    ["b"],
  );
  await assert.rejects(calls.containerStatus(request(method.containerStatus, { containerId: id }), forever), {
    kind: "notFound",
  });
  await calls.removeContainer(request(method.removeContainer, { containerId: id }), forever);
  await calls.stopContainer(request(method.stopContainer, { containerId: id }), forever);
  assert.deepEqual(containers.asked, []);
});

test("limits are changed, a log is reopened, and streams have URLs, of containers that are there", async () => {
  const containers = new FakeContainers(app("a"));
  const { calls, id } = world(containers);
  await calls.updateContainerResources(
    request(method.updateContainerResources, { containerId: id, linux: { cpuShares: 7n } }),
    forever,
  );
  const [, , resources] = containers.asked[0] as [string, string, { cpuShares: number }];
  assert.equal(resources.cpuShares, 7);
  const update = (init: object) => calls.updateContainerResources(request(method.updateContainerResources, init), forever);
  await assert.rejects(update({ containerId: id }), { kind: "invalidArgument" });
  await assert.rejects(update({ containerId: "beef", linux: {} }), { kind: "notFound" });

  const exec = (containerId = id, cmd = ["sh"]) => calls.exec(request(method.exec, { containerId, cmd, stdout: true }), forever);
  const attach = () => calls.attach(request(method.attach, { containerId: id, stdout: true }), forever);
  const reopen = () => calls.reopenContainerLog(request(method.reopenContainerLog, { containerId: id }), forever);
  await assert.rejects(exec(), { kind: "failedPrecondition" });
  await assert.rejects(attach(), { kind: "failedPrecondition" });
  await assert.rejects(reopen(), { kind: "failedPrecondition" });
  await assert.rejects(exec("beef"), { kind: "notFound" });
  containers.change(id, { status: "running" });
  assert.equal((await exec()).url, `http://127.0.0.1/exec/${id}`);
  assert.equal((await attach()).url, `http://127.0.0.1/attach/${id}`);
  await reopen();
  await assert.rejects(exec(id, []), { kind: "invalidArgument" });
});

test("a command is run with the time it may take; no time is as long as it likes", async () => {
  const containers = new FakeContainers(app("a"));
  containers.change(idOf("a"), { status: "running" });
  const asked: RunSyncOptions[] = [];
  const runSync: ContainersDeps["exec"]["runSync"] = async (_id, command, options) => {
    asked.push(options);
    return { exitCode: 3, stdout: Buffer.from(command.join()), stderr: Buffer.alloc(0) };
  };
  const { calls, id } = world(containers, { exec: { runSync } });
  const run = (timeout: bigint) =>
    calls.execSync(request(method.execSync, { containerId: id, cmd: ["a", "b"], timeout }), forever);
  const { exitCode, stdout } = await run(2n);
  assert.deepEqual([exitCode, String(stdout)], [3, "a,b"]);
  await run(0n);
  assert.deepEqual(
    asked.map(({ timeoutMs }) => timeoutMs),
    [2000, undefined],
  );
  containers.change(id, { status: "exited" });
  await assert.rejects(run(0n), { kind: "failedPrecondition" });
});

test("events tell of pods and their containers, with the pod as it is then, also of one that is gone", async () => {
  const containers = new FakeContainers(app("a"));
  async function* stateChanges(): AsyncGenerator<StateChange> {
    yield { of: "pod", id: idOf("web"), state: "started", at: 0n, labels: {} };
    yield { of: "container", id: idOf("docker"), state: "created", at: 1n, labels: {} };
    yield { of: "container", id: idOf("a"), state: "started", at: 2n, labels: {} };
    yield { of: "container", id: idOf("gone"), state: "deleted", at: 3n, labels: { [podLabel]: idOf("web") } };
  }
  const { calls } = world(containers, { stateChanges });
  const events = await Array.fromAsync(calls.getContainerEvents(request(method.getContainerEvents, {}), forever));
  assert.deepEqual(
    events.map(({ containerId, containerEventType, createdAt, podSandboxStatus, containersStatuses }) => [
      containerId,
      containerEventType,
      createdAt,
      podSandboxStatus?.id,
      containersStatuses?.map(({ id }) => id),
    ]),
    [
      [idOf("web"), ContainerEventType.CONTAINER_STARTED_EVENT, 0n, idOf("web"), [idOf("a")]],
      [idOf("a"), ContainerEventType.CONTAINER_STARTED_EVENT, 2n, idOf("web"), [idOf("a")]],
      [idOf("gone"), ContainerEventType.CONTAINER_DELETED_EVENT, 3n, idOf("web"), [idOf("a")]],
    ],
  );
});
