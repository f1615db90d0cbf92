import { GrpcCode } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { ContainerState, NamespaceMode, PodSandboxState } from "../packages/cri/src/gen/runtime_v1_pb.ts";
import { SpdyClient } from "../packages/cri/src/streaming/testing/spdy-client.ts";
import { criClients, type CriClients } from "../packages/cri/src/testing/cri-clients.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually } from "./harness/daemon.ts";

void describe("CRI's pods and the containers in them", () => {
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

  /** What the port says when a client has nothing to say. */
  async function forwarded(pod: CriPod, port: number): Promise<string> {
    const { url } = await pod.client.portForward({ podSandboxId: pod.id, port: [port] });
    const client = await SpdyClient.open(url, "portforward.k8s.io");
    try {
      const error = await client.stream({ streamType: "error", port: String(port) });
      await error.end();
      const data = await client.stream({ streamType: "data", port: String(port) });
      await data.end();
      return (await text(data.output)).trim();
    } finally {
      client.socket.destroy();
    }
  }

  for (const [mode, pid] of Object.entries({ POD: NamespaceMode.POD, CONTAINER: NamespaceMode.CONTAINER }))
    test(`a pod serves, is measured, and ends what is in it, with pids of mode ${mode}`, async () => {
      const cgroupParent = `/${daemon.cgroupParent}/whole-${pid}`;
      const pod = await CriPod.run(daemon, clients, {
        linux: { cgroupParent, securityContext: { namespaceOptions: { pid } } },
      });
      const { client } = pod;
      const id = await pod.start(`trap "" TERM; busybox nc -ll -p 80 -e echo served & while :; do sleep 1; done`);
      const waiting = await pod.create({ command: ["true"] });
      assert.equal(await eventually("it serves", async () => (await forwarded(pod, 80)) || undefined), "served");

      const { containersStatuses } = await client.podSandboxStatus({ podSandboxId: pod.id });
      assert.deepEqual(new Set(containersStatuses.map((each) => each.id)), new Set([id, waiting]));
      const { linux } = await eventually("its processes are counted, also while its shell waits for none", async () => {
        const { stats } = await client.podSandboxStats({ podSandboxId: pod.id });
        return (stats?.linux?.process?.processCount?.value ?? 0n) >= 3n ? stats : undefined;
      });
      const own = linux?.containers.find(({ attributes }) => attributes?.id === id);
      assert.ok((linux?.cpu?.usageCoreNanoSeconds?.value ?? 0n) >= (own?.cpu?.usageCoreNanoSeconds?.value ?? 1n));

      await client.stopPodSandbox({ podSandboxId: pod.id });
      assert.equal((await pod.status(id)).state, ContainerState.CONTAINER_EXITED);
      await assert.rejects(client.startContainer({ containerId: waiting }), { code: GrpcCode.failedPrecondition });
      const started = await daemon.api("POST", `/containers/${waiting}/start`);
      assert.equal(started.status, 409, started.text);
      await client.removePodSandbox({ podSandboxId: pod.id });
      assert.deepEqual((await client.listContainers({ filter: { podSandboxId: pod.id } })).containers, []);
      assert.deepEqual(daemon.podNetwork.held(), []);
    });

  test("what has ended in a pod stays ended, whoever asks, and the host's processes come with the pod alone", async () => {
    const pod = await CriPod.run(daemon, clients);
    const own = await pod.start("readlink /proc/self/ns/pid; sleep 1000", {
      linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.NODE } } },
    });
    const seen = await pod.client.execSync({ containerId: own, cmd: ["readlink", "/proc/self/ns/pid"], timeout: 10n });
    assert.notEqual(Buffer.from(seen.stdout).toString().trim(), readlinkSync("/proc/self/ns/pid"));

    const id = await pod.start("exit 6");
    await eventually("it has ended", async () => (await pod.status(id)).state === ContainerState.CONTAINER_EXITED);
    const before = await pod.status(id);
    for (const path of ["start", "restart", "update"]) {
      const body = path === "update" ? { RestartPolicy: { Name: "always" } } : undefined;
      assert.equal((await daemon.api("POST", `/containers/${id}/${path}`, body)).status, 409, path);
    }
    const { exitCode, finishedAt } = await pod.status(id);
    assert.deepEqual([exitCode, finishedAt], [6, before.finishedAt]);
    await pod.client.stopPodSandbox({ podSandboxId: pod.id });
    await pod.client.removePodSandbox({ podSandboxId: pod.id });
  });

  test("a container of Docker's clients joins what a container of a pod has", async () => {
    const pod = await CriPod.run(daemon, clients);
    const id = await pod.start("sleep 1000");
    const pid = (await daemon.api("GET", `/containers/${id}/json`)).json<{ State: { Pid: number } }>().State.Pid;
    for (const [flag, kind] of [
      ["--network", "net"],
      ["--pid", "pid"],
      ["--ipc", "ipc"],
    ] as const) {
      const { stdout, stderr } = await daemon.docker(
        "run",
        "--rm",
        flag,
        `container:${id}`,
        "busybox",
        "readlink",
        `/proc/self/ns/${kind}`,
      );
      assert.equal(stdout.trim(), readlinkSync(`/proc/${pid}/ns/${kind}`), `${flag}: ${stderr}`);
    }
    const shared = await daemon.docker("run", "--rm", "--network", `container:${id}`, "busybox", "cat", "/etc/resolv.conf");
    assert.equal(shared.stdout, await pod.say(id, "cat", "/etc/resolv.conf"));
    await pod.remove();
  });

  test("a pod is removed with what runs in it, by the daemon after the one that made it", async () => {
    const pod = await CriPod.run(daemon, clients);
    await pod.start("sleep 1000");
    await daemon.kill9();
    await daemon.launch();
    clients[Symbol.dispose]();
    clients = criClients(daemon.criSocket);
    const client = clients.runtime();
    const { status } = await client.podSandboxStatus({ podSandboxId: pod.id });
    assert.equal(status?.state, PodSandboxState.SANDBOX_READY);
    await client.removePodSandbox({ podSandboxId: pod.id });
    assert.deepEqual((await client.listContainers({})).containers, []);
    assert.deepEqual((await daemon.api("GET", "/containers/json?all=1")).json<object[]>(), []);
    assert.deepEqual(daemon.podNetwork.held(), []);
  });
});
