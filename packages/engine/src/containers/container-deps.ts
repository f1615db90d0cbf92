import type { AnyValue, ContainerdClient, TaskMetrics } from "@pouchcontainer/containerd";
import type { ContainerUpdateConfig, Volume, VolumeCreateConfig } from "@pouchcontainer/api";
import type { FileWorkers } from "@pouchcontainer/files";
import type { EventPublisher } from "../events/index.ts";
import type { ImageSource } from "../images/image-source.ts";
import type { ContainerNetworks } from "../networks/container-networks.ts";
import type { ChainContext, PluginChains, PluginTraces } from "../plugin-host/chains.ts";
import type { GuardedCollection } from "../store/index.ts";
import type { VolumePlace } from "../volumes/volume-manager.ts";
import type { Clock } from "./clock.ts";
import type { ConfigSettings } from "./config/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { HostDevices, HostFacts, SpecSettings } from "./spec/index.ts";
import type { StdioDeps } from "./stdio/process-stdio.ts";

/** What containers need of volumes (the volume manager satisfies it). */
export interface ContainerVolumes {
  createFor(
    config: VolumeCreateConfig,
    holder: { containerId: string; context: ChainContext },
  ): Promise<{ volume: Volume; created: boolean }>;
  release(containerId: string): void;
  remove(name: string, options: { force: boolean; onRecord?: boolean }): Promise<void>;
  mount(name: string, place: VolumePlace & { rw: boolean; propagation: string }): Promise<string>;
  unmount(name: string, place: VolumePlace): Promise<void>;
  fill(name: string, place: VolumePlace, copy: (content: string) => Promise<boolean>): Promise<boolean>;
  restore(running: readonly (VolumePlace & { name: string })[]): Promise<void>;
}

export interface ContainerLogger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Which shim runs a container, and with what options. */
export interface RuntimeChoice {
  name: string;
  options?: AnyValue;
  /** Ends and forgets what the runtime itself still knows of a container that containerd knows nothing of. */
  forget?(containerId: string): Promise<void>;
}

export interface ContainerDeps {
  containerd: Pick<
    ContainerdClient,
    "address" | "namespace" | "containers" | "tasks" | "snapshots" | "events" | "whenReconnected"
  >;
  records: GuardedCollection<ContainerRecord>;
  images: ImageSource;
  chains: Pick<
    PluginChains,
    "preCreate" | "admitImage" | "preStart" | "preUpdate" | "postUpdate" | "change" | "ask" | "tell" | "tellAfterwards"
  > &
    PluginTraces;
  networks: ContainerNetworks;
  volumes: ContainerVolumes;
  /** All work on containers' files. */
  files: Pick<
    FileWorkers,
    "stat" | "pack" | "export" | "layer" | "unpack" | "changes" | "copyUp" | "makePlaces" | "sizesOf" | "hold"
  >;
  events: EventPublisher;
  clock: Clock;
  facts: HostFacts;
  configSettings: ConfigSettings;
  specSettings: SpecSettings;
  devices: HostDevices;
  /** Folders with files of the Container Device Interface. Default: `/etc/cdi` and, counting more, `/var/run/cdi`. */
  cdiFolders?: readonly string[];
  /** Text of `/proc/self/mountinfo`. */
  mountInfo(): string;
  stdio: StdioDeps;
  /** The machine's boot id: what files remember of a run is worth something only until the next boot. */
  boot: string;
  /** Whether a folder of an overlay's layer hides lower ones; absent where it cannot be told, which costs a mount per start. */
  isOpaqueDirectory?: (path: string) => boolean;
  /** What runs the hooks' own commands; default `/bin/sh`. */
  shell?: string;
  roots: {
    /** `<home>/containers`: one folder per container with its log and its network files. */
    containers: string;
    /** `<exec-root>/containers`: FIFOs and mount places, gone with a reboot. */
    exec: string;
  };
  /**
   * Where containerd (its bundles, and the folders these work in) and the runtime keep what they know of a container that runs, a folder
   * each; none where they are not ours alone.
   */
  runtimeRoots: { bundles: readonly string[]; states?: string };
  /** The shim of a runtime's name (`runc`, or what the configuration adds). */
  runtime(name: string, runtimeType?: string): RuntimeChoice;
  defaultSnapshotter: string;
  decodeUpdate(value: unknown): ContainerUpdateConfig;
  decodeMetrics(data: AnyValue): TaskMetrics;
  log: ContainerLogger;
}

/** Label on everything of ours in containerd: how leftovers are known. */
export const ownerLabel = "io.pouchcontainer.container";
/** containerd's garbage collector keeps what has it. */
export const gcRootLabel = "containerd.io/gc.root";
