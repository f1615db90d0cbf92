import type { EventPublisher } from "../events/index.ts";
import type { Clock } from "../containers/clock.ts";
import type { PluginChains, PluginTraces } from "../plugin-host/chains.ts";
import type { Collection } from "../store/index.ts";
import type { PodNetwork } from "./network/pod-network.ts";
import type { PodKernel } from "./pod-kernel.ts";
import type { PodRoots } from "./pod-paths.ts";
import type { PodRecord } from "./pod-record.ts";

/** What pods need of the containers in them. */
export interface PodContainers {
  /** Pods that containers say they are in, of whatever state. */
  podIds(): Iterable<string>;
  /** Ends all that run in it, at once; resolves when they have ended. */
  stopAll(podId: string): Promise<void>;
  /** Removes all of them with what they have. */
  removeAll(podId: string): Promise<void>;
}

export interface PodLogger {
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface PodDeps {
  records: Collection<PodRecord>;
  events: EventPublisher;
  containers: PodContainers;
  chains: Pick<PluginChains, "preCreateEndpoint"> & Pick<PluginTraces, "adoptTrace" | "forgetTrace">;
  /** What pods have in the kernel apart from their network. */
  kernel: Pick<
    PodKernel,
    "make" | "takeDown" | "isWhole" | "hasEnded" | "limit" | "groupsToOwn" | "usage" | "connect" | "disconnect" | "close"
  >;
  network: Pick<PodNetwork, "plan" | "attach" | "detach" | "check" | "collect" | "status">;
  roots: PodRoots;
  /** Where the host's `etc/resolv.conf` is; "" for the machine itself. */
  hostRoot: string;
  cgroupDriver: "cgroupfs" | "systemd";
  /** The machine's boot id. */
  boot: string;
  clock: Clock;
  log: PodLogger;
}
