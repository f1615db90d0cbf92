import {
  openPods,
  PodNetworks,
  podsConfig,
  type Clock,
  type ContainerDeps,
  type ContainerManager,
  type ContainerRecord,
  type EventBus,
  type PluginHost,
  type PodManager,
  type PodRecord,
  type Store,
} from "@pouchcontainer/engine";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";
import type { Log } from "../log/log.ts";
import { findProgram } from "./find-program.ts";
import { podContainers } from "./pod-containers.ts";

export interface PodRoomDeps {
  configuration: Configuration;
  log: Log;
  environment: NodeJS.ProcessEnv;
  store: Store;
  events: EventBus;
  records: { get(id: string): ContainerRecord | undefined; values(): Iterable<ContainerRecord> };
  containers: () => ContainerManager;
  chains: Pick<PluginHost, "preCreateEndpoint" | "adoptTrace" | "forgetTrace">;
  networks: ContainerDeps["networks"];
  clock: Clock;
  boot: string;
  mountInfo: () => string;
  cgroupDriver: "cgroupfs" | "systemd";
  /** Path of the default runtime. */
  runc: string;
}

export interface PodRoom {
  manager: PodManager;
  /** Networks of all containers, those in pods included. */
  networks: ContainerDeps["networks"];
  /** Before and after containers are recovered. */
  recover(): Promise<void>;
  resume(): void;
}

/**
 * Pods over the containers in them. A daemon without CRI that has none looks at nothing of theirs: networks in the folder of CNI are then
 * somebody else's, whose addresses are not to be collected.
 */
export function openPodRoom(deps: PodRoomDeps): PodRoom {
  const { configuration, environment, store, log, clock, boot, mountInfo } = deps;
  const busybox = findProgram("busybox", environment);
  const manager = openPods({
    config: podsConfig({
      roots: { home: join(configuration["home-dir"], "pods"), exec: join(configuration["exec-root-dir"], "pods") },
      cniBinDirectories: configuration["cni-bin-dir"],
      cniConfigDirectory: configuration["cni-conf-dir"],
      cgroupDriver: deps.cgroupDriver,
      cgroupParent: configuration["cgroup-parent"],
      runc: deps.runc,
      ...(busybox !== undefined && { busybox }),
    }),
    store,
    events: deps.events,
    containers: podContainers({
      records: deps.records,
      containers: {
        records: () => deps.containers().records(),
        stop: (id, options) => deps.containers().stop(id, options),
        remove: (id, options) => deps.containers().remove(id, options),
        wait: (id, condition, signal) => deps.containers().wait(id, condition, signal),
      },
    }),
    chains: deps.chains,
    clock,
    boot,
    env: environment,
    mountInfo,
    log: { warn: (message, fields) => log.warn(message, fields) },
  });
  const networks = new PodNetworks({
    others: deps.networks,
    membershipOf: (id) => deps.records.get(id)?.pod,
    addressesOf: (podId) => manager.find(podId)?.ips ?? [],
    requireReady: (podId) => {
      manager.requireReady(podId);
    },
  });
  const isUsed = (): boolean => configuration["enable-cri"] || store.collection<PodRecord>("pods").values().next().done !== true;
  return {
    manager,
    networks,
    recover: async () => {
      if (isUsed()) await manager.recover();
    },
    resume: () => {
      if (isUsed()) manager.resume();
    },
  };
}
