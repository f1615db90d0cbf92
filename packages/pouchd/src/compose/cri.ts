import type { ContainerdClient } from "@pouchcontainer/containerd";
import {
  commandBackend,
  containerCalls,
  ContainerMeter,
  containersOfPods,
  CriServer,
  imageCalls,
  podCalls,
  runtimeCalls,
  type CriImages,
  type PortRequest,
  type Readiness,
} from "@pouchcontainer/cri";
import { readsOnlyRecursively } from "@pouchcontainer/engine";
import type { Clock, ContainerManager, HostFacts, PluginHost, PodManager, SpecSettings } from "@pouchcontainer/engine";
import { isKind, unavailable } from "@pouchcontainer/errors";
import { joinConnections } from "@pouchcontainer/owners";
import type { Duplex } from "node:stream";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";
import { criCommands, criContainers, type CriContainersDeps } from "./cri-containers.ts";
import { openStreaming } from "./cri-streaming.ts";

export interface CriDeps {
  configuration: Configuration;
  log: Log;
  version: string;
  containerd: Pick<ContainerdClient, "plugins" | "serving">;
  images: CriImages;
  pods: PodManager;
  containers: ContainerManager;
  exec: CriContainersDeps["exec"];
  events: CriContainersDeps["events"];
  chains: PluginHost;
  clock: Clock;
  runtimes: readonly string[];
  facts: HostFacts;
  specSettings: SpecSettings;
}

/** CRI's services over the engine; undefined where it is not asked for. It listens where the configuration says. */
export async function openCri(deps: CriDeps): Promise<{ close(): Promise<void> } | undefined> {
  const { configuration, log } = deps;
  if (!configuration["enable-cri"]) return undefined;
  const streaming = await openStreaming(configuration, {
    ...commandBackend(criCommands(deps)),
    portForward: (request, connection, signal) => forwardPort(deps, request, connection, signal),
  });
  const handlers = ["", ...deps.runtimes];
  const snapshots = snapshotsFolder(deps.containerd, configuration.snapshotter);
  const containers = criContainers(deps, { streams: streaming, snapshotsFolder: snapshots });
  const meter = new ContainerMeter(containers);
  const server = new CriServer({
    runtime: {
      ...podCalls({
        pods: deps.pods,
        containers: containersOfPods(containers, meter),
        handlers,
        cgroupDriver: deps.specSettings.cgroupDriver,
        preRunPodSandbox: (config, request, { podName, ...context }) =>
          deps.chains.criPreRunPodSandbox(config, request, { containerName: podName, ...context }),
        traceOf: (id) => deps.chains.traceOf(id),
        streaming,
        now: () => deps.clock.now(),
      }),
      ...containerCalls(containers, meter),
      ...runtimeCalls({
        version: deps.version,
        cgroupDriver: deps.specSettings.cgroupDriver,
        runtimeReadiness: () => containerdReadiness(deps.containerd),
        networkReadiness: async () => deps.pods.networkStatus(),
        handlers: handlers.map((name) => ({
          name,
          features: { recursiveReadOnlyMounts: readsOnlyRecursively(deps.specSettings, deps.facts), userNamespaces: false },
        })),
        features: { supplementalGroupsPolicy: true, userNamespacesHostNetwork: false, mountOptions: false },
        configuration: () => shownConfiguration(deps),
      }),
    },
    images: imageCalls({
      images: deps.images,
      isPinned: ({ id }) => isSandboxImage(deps, id),
      snapshotsFolder: snapshots,
    }),
    reportFailure: ({ rpc, error, foreseen }) => {
      if (!foreseen) log.error("a CRI call failed by a defect", { rpc, error });
      // A kubelet asks for what is gone as a matter of course.
      else if (isKind(error, "notFound", "cancelled", "notImplemented")) log.debug("a CRI call failed", { rpc, error });
      else log.warn("a CRI call failed", { rpc, error });
    },
  });
  try {
    for (const address of configuration["listen-cri"]) await server.listen(address.replace(/^unix:\/\//, ""));
  } catch (error) {
    await Promise.all([server.close({ graceMilliseconds: 0 }), streaming.close()]);
    throw error;
  }
  return {
    close: async () => {
      await server.close();
      await streaming.close();
    },
  };
}

/** Ends with the pod, which breaks its side off. */
async function forwardPort(
  { pods }: CriDeps,
  { podSandboxId, port }: PortRequest,
  connection: Duplex,
  signal: AbortSignal,
): Promise<void> {
  const socket = await pods.connect(podSandboxId, port, signal);
  const breakOff = (): void => {
    socket.destroy();
  };
  signal.addEventListener("abort", breakOff, { once: true });
  try {
    if (signal.aborted) breakOff();
    await joinConnections(connection, socket);
  } finally {
    signal.removeEventListener("abort", breakOff);
  }
}

async function containerdReadiness(containerd: CriDeps["containerd"]): Promise<Readiness> {
  if (await containerd.serving({ timeoutMs: 5000 })) return { ready: true };
  return { ready: false, reason: "ContainerdNotReady", message: "containerd does not answer" };
}

/** Where containerd has the snapshots, as it says itself; asked until it is known. */
function snapshotsFolder(containerd: CriDeps["containerd"], snapshotter: string): () => Promise<string> {
  let known: string | undefined;
  return async () => {
    if (known !== undefined) return known;
    const plugins = await containerd.plugins();
    known = plugins.find(({ type, id }) => type === "io.containerd.snapshotter.v1" && id === snapshotter)?.exports["root"];
    if (known === undefined) throw unavailable(`containerd does not say where the snapshotter ${snapshotter} has its files`);
    return known;
  };
}

function isSandboxImage({ configuration, images }: CriDeps, id: string): boolean {
  const name = configuration["sandbox-image"];
  return name !== undefined && images.view(name)?.id === id;
}

function shownConfiguration({ configuration, specSettings: { cgroupDriver }, runtimes }: CriDeps): Record<string, unknown> {
  return {
    ...(configuration["sandbox-image"] !== undefined && { sandboxImage: configuration["sandbox-image"] }),
    cgroupDriver,
    runtimes,
    snapshotter: configuration.snapshotter,
    homeDirectory: configuration["home-dir"],
    cniConfigDirectory: configuration["cni-conf-dir"],
    cniBinDirectories: configuration["cni-bin-dir"],
  };
}
