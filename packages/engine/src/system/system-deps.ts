import type { AuthConfig, AuthResponse, ContainerSummary, ImageSummary, Volume } from "@pouchcontainer/api";
import type { Clock } from "../containers/clock.ts";
import type { ContainerStatus } from "../containers/container-record.ts";
import type { HostFacts } from "../containers/spec/index.ts";
import type { EventBus } from "../events/index.ts";
import type { Machine } from "./machine.ts";
import type { StoreBackup } from "../store/index.ts";
import type { ProgramVersions } from "./program-versions.ts";

/** What the operator configured and what the daemon is, as far as `info` and `version` show it. */
export interface SystemSettings {
  /** Stays the same for the life of the home directory. */
  id: string;
  version: string;
  commit: string;
  /** RFC 3339; empty in a development version. */
  buildTime: string;
  apiVersion: string;
  minApiVersion: string;
  homeDirectory: string;
  snapshotter: string;
  debug: boolean;
  /** No plugin is started or called. */
  safeMode: boolean;
  /** `key=value` labels of the daemon. */
  labels: readonly string[];
  loggingDriver: string;
  logDrivers: readonly string[];
  networkDrivers: readonly string[];
  cgroupDriver: "cgroupfs" | "systemd";
  /** Runtime names to the program each runs. */
  runtimes: Readonly<Record<string, string>>;
  defaultRuntime: string;
  defaultCgroupnsMode: "" | "private" | "host";
  initPath?: string;
  liveRestore: boolean;
  insecureRegistries: readonly string[];
  registryMirrors: readonly string[];
  /** Environment of the daemon: the proxies in it are shown without credentials. */
  env: Readonly<Record<string, string | undefined>>;
}

export interface SystemDeps {
  facts: HostFacts;
  machine: Machine;
  settings: SystemSettings;
  clock: Clock;
  events: Pick<EventBus, "subscribe" | "subscriberCount" | "publish">;
  programs: Pick<ProgramVersions, "of">;
  containerd: {
    version(options?: { timeoutMs: number }): Promise<{ version: string; revision: string }>;
    address: string;
    namespace: string;
  };
  backup(): Promise<StoreBackup>;
  /** Resolves when the store takes writes. */
  storeIsOpen(): Promise<void>;
  containers: {
    statuses(): Iterable<ContainerStatus>;
    /** All containers with `SizeRw` and `SizeRootFs`. */
    withSizes(): Promise<ContainerSummary[]>;
  };
  images: { count(): Promise<number>; diskUsage(): Promise<{ layersSize: number; images: ImageSummary[] }> };
  volumes: { usage(): Promise<Volume[]> };
  checkAuth(auth: AuthConfig): Promise<AuthResponse>;
}
