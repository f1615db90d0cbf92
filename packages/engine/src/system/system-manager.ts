import type {
  AuthConfig,
  AuthResponse,
  ContainerSummary,
  DiskUsage,
  EventMessage,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from "@pouchcontainer/api";
import type { ContainerStatus } from "../containers/container-record.ts";
import { type Clock, rfc3339Nano } from "../containers/clock.ts";
import type { HostFacts } from "../containers/spec/index.ts";
import type { EventBus } from "../events/index.ts";
import { diskUsage } from "./disk-usage.ts";
import { type Machine, openFileDescriptors } from "./machine.ts";
import type { ProgramVersions } from "./program-versions.ts";
import { systemInfo } from "./system-info.ts";
import { systemVersion } from "./system-version.ts";

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
  events: Pick<EventBus, "subscribe" | "subscriberCount">;
  programs: Pick<ProgramVersions, "of">;
  containerd: { version(): Promise<{ version: string; revision: string }>; address: string; namespace: string };
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

/** Nanoseconds: every client pings before every command, and many at once must not each ask containerd. */
const pingLife = 1_000_000_000n;

/** What the daemon says of itself and its machine. */
export class SystemManager {
  readonly #deps: SystemDeps;
  #lastGoodPing = 0n;

  constructor(deps: SystemDeps) {
    this.#deps = deps;
  }

  async info(): Promise<SystemInfo> {
    const { containerd, programs, settings, images } = this.#deps;
    const runtime = settings.runtimes[settings.defaultRuntime] ?? settings.defaultRuntime;
    const [containerdVersion, runtimeVersion, initVersion, imageCount] = await Promise.all([
      containerd.version(),
      programs.of(runtime),
      settings.initPath === undefined ? undefined : programs.of(settings.initPath),
      images.count(),
    ]);
    return systemInfo({
      ...this.#deps,
      statuses: [...this.#deps.containers.statuses()],
      imageCount,
      containerdVersion,
      runtimeVersion,
      initVersion,
      openFiles: openFileDescriptors(),
      listeners: this.#deps.events.subscriberCount,
      now: rfc3339Nano(this.#deps.clock.now()),
    });
  }

  async version(): Promise<SystemVersion> {
    const { containerd, programs, settings, machine, facts } = this.#deps;
    const runtime = settings.runtimes[settings.defaultRuntime] ?? settings.defaultRuntime;
    const [containerdVersion, runtimeVersion, initVersion] = await Promise.all([
      containerd.version(),
      programs.of(runtime),
      settings.initPath === undefined ? undefined : programs.of(settings.initPath),
    ]);
    return systemVersion({ settings, machine, facts, containerdVersion, runtimeVersion, initVersion });
  }

  diskUsage(types: string[]): Promise<DiskUsage> {
    return diskUsage(types, this.#deps);
  }

  /** Answers whether containers can be served at all: containerd answers and the store is open. A good answer holds for a second. */
  async ping(): Promise<void> {
    const now = this.#deps.clock.now();
    if (now - this.#lastGoodPing < pingLife && now >= this.#lastGoodPing) return;
    await Promise.all([this.#deps.containerd.version(), this.#deps.storeIsOpen()]);
    this.#lastGoodPing = now;
  }

  events(
    options: { since?: number; until?: number; filters: Record<string, string[]> },
    signal: AbortSignal,
  ): AsyncIterable<EventMessage> {
    return this.#deps.events.subscribe(options, signal);
  }

  checkAuth(auth: AuthConfig): Promise<AuthResponse> {
    return this.#deps.checkAuth(auth);
  }
}
