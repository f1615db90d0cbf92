import type { EventPublisher } from "../events/index.ts";
import { internal } from "@pouchcontainer/errors";
import { Libc } from "@pouchcontainer/linux";
import type { Clock } from "../containers/clock.ts";
import { CniRunner } from "../networks/cni/cni-runner.ts";
import type { Store } from "../store/index.ts";
import { PodNetwork } from "./network/pod-network.ts";
import type { PodContainers, PodDeps, PodLogger } from "./pod-deps.ts";
import { PodKernel } from "./pod-kernel.ts";
import { PodManager } from "./pod-manager.ts";
import type { PodRoots } from "./pod-paths.ts";
import type { PodRecord } from "./pod-record.ts";

export interface PodsConfig {
  roots: PodRoots;
  cniBinDirectories: string[];
  cniConfigDirectory: string;
  /** Milliseconds the CNI plugins have for one pod. */
  cniTimeoutMs: number;
  cgroupDriver: "cgroupfs" | "systemd";
  /** Control group of containers whose pod names none. */
  cgroupParent: string;
  /** Programs a shared pid namespace needs. */
  runc: string;
  busybox: string;
  /** Where the host's `etc/resolv.conf` is; "" for the machine itself. */
  hostRoot: string;
}

export interface PodsDeps {
  config: PodsConfig;
  store: Pick<Store, "collection">;
  events: EventPublisher;
  containers: PodContainers;
  chains: PodDeps["chains"];
  clock: Clock;
  /** The machine's boot id. */
  boot: string;
  env: NodeJS.ProcessEnv;
  mountInfo: () => string;
  log: PodLogger;
}

/** Builds the room of pods; nothing is looked at before `recover`. */
export function openPods({ config, store, events, containers, chains, clock, boot, env, mountInfo, log }: PodsDeps): PodManager {
  const libc = Libc.load();
  if (libc === undefined) throw internal("pods need Node's foreign function interface: start the daemon with --experimental-ffi");
  const { roots, runc, busybox, cgroupDriver, cgroupParent, hostRoot } = config;
  const runner = new CniRunner({ binDirectories: config.cniBinDirectories, env });
  return new PodManager({
    records: store.collection<PodRecord>("pods"),
    events,
    containers,
    chains,
    kernel: new PodKernel({ libc, roots, init: { runc, busybox, env, cgroupDriver, mountInfo }, cgroupParent }),
    network: new PodNetwork({ runner, configDirectory: config.cniConfigDirectory, timeoutMs: config.cniTimeoutMs }),
    roots,
    hostRoot,
    cgroupDriver,
    boot,
    clock,
    log,
  });
}
