import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { criClients } from "../packages/cri/src/testing/cri-clients.ts";
import { CriPod } from "./harness/cri-pod.ts";
import { Daemon, eventually } from "./harness/daemon.ts";

/** More of them on a quiet machine: POUCH_CRI_KILLS=100. */
const rounds = Number(process.env["POUCH_CRI_KILLS"] ?? 4);

void describe("a daemon that is killed while pods and their containers come and go", () => {
  let daemon: Daemon;

  before(async () => {
    daemon = await Daemon.start({ cri: true });
  });

  after(async () => {
    await daemon?.[Symbol.asyncDispose]();
  });

  test("what it had begun is whole or gone, and nothing is left of what is removed then", async () => {
    for (let round = 0; round < rounds; round++) {
      const stopped = new AbortController();
      const churning = [churn(daemon, stopped.signal), churn(daemon, stopped.signal)];
      const delay = Math.random() * 2500;
      await sleep(delay);
      stopped.abort();
      await daemon.kill9();
      await Promise.all(churning);
      await daemon.launch();
      using clients = criClients(daemon.criSocket);
      const client = clients.runtime();
      const { items } = await eventually("CRI answers", () => client.listPodSandbox({}).catch(() => undefined));
      const { containers } = await client.listContainers({});
      for (const { id, podSandboxId } of containers) {
        assert.ok(
          items.some((pod) => pod.id === podSandboxId),
          `container ${id} has its pod`,
        );
        await client.containerStatus({ containerId: id });
      }
      await Promise.all(items.map(({ id }) => client.removePodSandbox({ podSandboxId: id })));
      await eventually(
        `nothing is left after ${delay.toFixed()} ms in round ${round}: ${left(daemon).join("\n")}`,
        () => left(daemon).length === 0,
        60,
      );
      assert.equal((await daemon.docker("ps", "-aq")).stdout, "");
    }
  });

  test("a container that was told to be gone stays gone, and leaves nothing, whenever the daemon is killed behind that answer", async () => {
    for (let round = 0; round < rounds; round++) {
      const pod = await withClient(daemon, async (clients) => {
        const made = await CriPod.run(daemon, clients);
        const containerId = await made.start("sleep 1000", { metadata: { name: "again" } });
        await made.client.stopContainer({ containerId });
        await made.client.removeContainer({ containerId });
        assert.deepEqual((await made.client.listContainers({})).containers, []);
        await sleep(round * 10);
        await daemon.kill9();
        return made;
      });
      await daemon.launch();
      await withClient(daemon, async (clients) => {
        const client = clients.runtime();
        const { containers } = await eventually("CRI answers", () => client.listContainers({}).catch(() => undefined));
        assert.deepEqual(containers, []);
        await eventually(
          "nothing of the container is left",
          () => namesIn(join(daemon.homeDirectory, "containers")).length === 0,
        );
        await client.removePodSandbox({ podSandboxId: pod.id });
        await eventually(`nothing is left: ${left(daemon).join("\n")}`, () => left(daemon).length === 0, 60);
      });
    }
  });

  test("what follows the answer of a removal is waited for by who needs it: a container of that name, the end of the pod", async () => {
    await withClient(daemon, async (clients) => {
      const pod = await CriPod.run(daemon, clients);
      const ids = new Set<string>();
      for (let turn = 0; turn < 4; turn++) {
        const containerId = await pod.start("sleep 1000", { metadata: { name: "same" } });
        await pod.client.stopContainer({ containerId });
        await pod.client.removeContainer({ containerId });
        assert.equal((await daemon.docker("ps", "-aq")).stdout, "");
        ids.add(containerId);
      }
      assert.equal(ids.size, 4);
      await pod.client.stopPodSandbox({ podSandboxId: pod.id });
      await pod.remove();
      assert.deepEqual(left(daemon), []);
    });
  });
});

async function withClient<T>(daemon: Daemon, work: (clients: ReturnType<typeof criClients>) => Promise<T>): Promise<T> {
  using clients = criClients(daemon.criSocket);
  return await work(clients);
}

/** The life of pods, one after the other, until the daemon is gone. */
async function churn(daemon: Daemon, signal: AbortSignal): Promise<void> {
  using clients = criClients(daemon.criSocket);
  while (!signal.aborted) {
    try {
      const pod = await CriPod.run(daemon, clients);
      const id = await pod.start("echo begun; sleep 1000", { logPath: "0.log" });
      await pod.say(id, "true");
      await pod.client.stopContainer({ containerId: id });
      await pod.client.removeContainer({ containerId: id });
      await pod.client.stopPodSandbox({ podSandboxId: pod.id });
      await pod.remove();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** Of pods and containers: mounts, addresses, control groups, folders, processes. */
function left(daemon: Daemon): string[] {
  const { execRoot, homeDirectory, cgroupParent } = daemon;
  const places = ["pods", "containers"].flatMap((name) => [join(execRoot, name), join(homeDirectory, name)]);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [
    ...mounts.filter((line) => places.some((place) => line.includes(`${place}/`))),
    ...places.flatMap((place) => namesIn(place).map((name) => join(place, name))),
    ...daemon.podNetwork.held().map((address) => `address ${address}`),
    ...readdirSync("/sys/fs/cgroup").flatMap((controller) => groupsIn(join("/sys/fs/cgroup", controller, cgroupParent))),
    ...groupsIn(join("/sys/fs/cgroup", cgroupParent)),
  ];
}

/** The parent itself is the daemon's. */
function groupsIn(parent: string): string[] {
  if (!existsSync(parent)) return [];
  const names = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names.map(({ name }) => join(parent, name));
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
