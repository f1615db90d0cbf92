/**
 * Pods and containers over CRI, side by side with containerd's own CRI plugin: the same client, the same CNI configuration, in one
 * run. Needs root. Usage: hack/bench cri [ROW...]. Trust the ratios, not the milliseconds.
 */
import { create } from "@bufbuild/protobuf";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  NamespaceMode,
  PodSandboxConfigSchema,
  SecurityProfile_ProfileType,
  type PodSandboxConfig,
} from "../packages/cri/src/gen/runtime_v1_pb.ts";
import { startContainerdCri, startPouchCri, type CriRuntime } from "./harness/cri-runtime.ts";
import { memoryOf } from "./harness/engine.ts";
import { median, report, reportHead, type Measure } from "./harness/report.ts";

let sequence = 0;

function podSettings({ logs, cgroupParent }: CriRuntime): PodSandboxConfig {
  const uid = `bench-${++sequence}`;
  const logDirectory = join(logs, uid);
  mkdirSync(logDirectory);
  return create(PodSandboxConfigSchema, {
    metadata: { name: uid, uid, namespace: "default" },
    hostname: uid,
    logDirectory,
    linux: { cgroupParent, securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
  });
}

async function runPod(runtime: CriRuntime): Promise<{ id: string; config: PodSandboxConfig }> {
  const config = podSettings(runtime);
  return { id: (await runtime.clients.runtime().runPodSandbox({ config })).podSandboxId, config };
}

async function endPod(runtime: CriRuntime, podSandboxId: string): Promise<void> {
  await runtime.clients.runtime().stopPodSandbox({ podSandboxId });
  await runtime.clients.runtime().removePodSandbox({ podSandboxId });
}

/** As the kubelet says it for a pod with the runtime's own profile: both then do the same work. */
const securityContext = {
  namespaceOptions: { pid: NamespaceMode.CONTAINER },
  seccomp: { profileType: SecurityProfile_ProfileType.RuntimeDefault },
  maskedPaths: ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/sys/firmware"],
  readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
};

async function createIn(runtime: CriRuntime, pod: { id: string; config: PodSandboxConfig }): Promise<string> {
  const name = `container-${++sequence}`;
  const { containerId } = await runtime.clients.runtime().createContainer({
    podSandboxId: pod.id,
    sandboxConfig: pod.config,
    config: {
      metadata: { name },
      image: { image: "busybox" },
      command: ["sleep", "1000"],
      logPath: `${name}.log`,
      linux: { securityContext },
    },
  });
  return containerId;
}

/** Median of what `work` takes in a pod of its own, which it is given. */
async function inPod(
  runtime: CriRuntime,
  work: (pod: { id: string; config: PodSandboxConfig }) => Promise<number>,
): Promise<number> {
  const pod = await runPod(runtime);
  try {
    return await work(pod);
  } finally {
    await endPod(runtime, pod.id);
  }
}

const rows: Measure<CriRuntime>[] = [
  {
    name: "run-pod",
    unit: "ms, RunPodSandbox",
    budget: 0.6,
    async measure(runtime) {
      const ids: string[] = [];
      await runPod(runtime).then(({ id }) => ids.push(id));
      const result = await median(15, async () => void ids.push((await runPod(runtime)).id));
      for (const id of ids) await endPod(runtime, id);
      return result;
    },
  },
  {
    name: "create-start",
    unit: "ms, CreateContainer + StartContainer",
    budget: 0.9,
    measure: (runtime) =>
      inPod(runtime, async (pod) => {
        const start = async (): Promise<void> => {
          const containerId = await createIn(runtime, pod);
          await runtime.clients.runtime().startContainer({ containerId });
        };
        await start();
        return await median(15, start);
      }),
  },
  {
    name: "stop-remove",
    unit: "ms, StopContainer (at once) + RemoveContainer",
    budget: 0.6,
    measure: (runtime) =>
      inPod(runtime, async (pod) => {
        const client = runtime.clients.runtime();
        const ids: string[] = [];
        for (let i = 0; i < 16; i++) {
          const containerId = await createIn(runtime, pod);
          await client.startContainer({ containerId });
          ids.push(containerId);
        }
        const end = async (): Promise<void> => {
          const containerId = ids.pop() ?? "";
          await client.stopContainer({ containerId, timeout: 0n });
          await client.removeContainer({ containerId });
        };
        await end();
        return await median(15, end);
      }),
  },
  {
    name: "exec-sync",
    unit: "ms, ExecSync of true",
    budget: 1,
    measure: (runtime) =>
      inPod(runtime, async (pod) => {
        const containerId = await createIn(runtime, pod);
        await runtime.clients.runtime().startContainer({ containerId });
        const exec = async (): Promise<void> => {
          await runtime.clients.runtime().execSync({ containerId, cmd: ["true"], timeout: 10n });
        };
        await exec();
        return await median(25, exec);
      }),
  },
  {
    name: "pods-20",
    unit: "ms, 20 pods at once, run and taken down",
    budget: 0.7,
    measure: (runtime) =>
      median(3, async () => {
        const pods = await Promise.all(Array.from({ length: 20 }, () => runPod(runtime)));
        await Promise.all(pods.map(({ id }) => endPod(runtime, id)));
      }),
  },
  {
    name: "list-200",
    unit: "ms, ListContainers with 200",
    budget: 0.5,
    measure: (runtime) =>
      inPod(runtime, async (pod) => {
        for (let i = 0; i < 200; i++) await createIn(runtime, pod);
        const list = async (): Promise<void> => void (await runtime.clients.runtime().listContainers({}));
        // Most of it is the client's decoding, which is compiled by then: whoever came first was the slower one.
        await median(500, list);
        return await median(50, list);
      }),
  },
  {
    name: "memory-50",
    unit: "MB proportional, all processes of the runtime, with 50 pods",
    budget: 0.8,
    async measure(runtime) {
      const pods = await Promise.all(Array.from({ length: 50 }, () => runPod(runtime)));
      await sleep(17_000);
      const { pss } = memoryOf(runtime.pids());
      await Promise.all(pods.map(({ id }) => endPod(runtime, id)));
      return pss;
    },
  },
];

const wanted = process.argv.slice(2);
reportHead("pouchd", "containerd");
await using ours = await startPouchCri();
await using theirs = await startContainerdCri();
for (const row of rows)
  if (wanted.length === 0 || wanted.includes(row.name)) report(row.name, await row.measure(ours), await row.measure(theirs), row);
