import type { ContainerdClient } from "@pouchcontainer/containerd";
import { CriServer, imageCalls, runtimeCalls, type CriImages, type Readiness } from "@pouchcontainer/cri";
import { loadNetworkLists, type SpecSettings } from "@pouchcontainer/engine";
import { EngineError, isKind, unavailable } from "@pouchcontainer/errors";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";

export interface CriDeps {
  configuration: Configuration;
  log: Log;
  version: string;
  containerd: Pick<ContainerdClient, "plugins" | "serving">;
  images: CriImages;
  cgroupDriver: SpecSettings["cgroupDriver"];
  runtimes: readonly string[];
}

/** CRI's services over the engine; undefined where it is not asked for. It listens where the configuration says. */
export async function openCri(deps: CriDeps): Promise<CriServer | undefined> {
  const { configuration, log } = deps;
  if (!configuration["enable-cri"]) return undefined;
  const server = new CriServer({
    runtime: runtimeCalls({
      version: deps.version,
      cgroupDriver: deps.cgroupDriver,
      runtimeReadiness: () => containerdReadiness(deps.containerd),
      networkReadiness: async () => networkReadiness(configuration["cni-conf-dir"]),
      handlers: ["", ...deps.runtimes].map((name) => ({
        name,
        features: { recursiveReadOnlyMounts: false, userNamespaces: false },
      })),
      features: { supplementalGroupsPolicy: false, userNamespacesHostNetwork: false, mountOptions: false },
      configuration: () => shownConfiguration(deps),
    }),
    images: imageCalls({
      images: deps.images,
      isPinned: () => false,
      snapshotsFolder: () => snapshotsFolder(deps.containerd, configuration.snapshotter),
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
    await server.close({ graceMilliseconds: 0 });
    throw error;
  }
  return server;
}

async function containerdReadiness(containerd: CriDeps["containerd"]): Promise<Readiness> {
  if (await containerd.serving({ timeoutMs: 5000 })) return { ready: true };
  return { ready: false, reason: "ContainerdNotReady", message: "containerd does not answer" };
}

/** Reason and message are what people know from other runtimes. */
function networkReadiness(folder: string): Readiness {
  try {
    if (loadNetworkLists(folder).length > 0) return { ready: true };
    return { ready: false, reason: "NetworkPluginNotReady", message: `no CNI network list in ${folder}` };
  } catch (error) {
    return { ready: false, reason: "NetworkPluginNotReady", message: EngineError.from(error).message };
  }
}

/** Where containerd has the snapshots, as it says itself. */
async function snapshotsFolder(containerd: CriDeps["containerd"], snapshotter: string): Promise<string> {
  const plugins = await containerd.plugins();
  const root = plugins.find(({ type, id }) => type === "io.containerd.snapshotter.v1" && id === snapshotter)?.exports["root"];
  if (root === undefined) throw unavailable(`containerd does not say where the snapshotter ${snapshotter} has its files`);
  return root;
}

function shownConfiguration({ configuration, cgroupDriver, runtimes }: CriDeps): Record<string, unknown> {
  return {
    cgroupDriver,
    runtimes,
    snapshotter: configuration.snapshotter,
    homeDirectory: configuration["home-dir"],
    cniConfigDirectory: configuration["cni-conf-dir"],
    cniBinDirectories: configuration["cni-bin-dir"],
  };
}
