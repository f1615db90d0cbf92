import type { NetworkSandbox } from "../../networks/container-networks.ts";
import type { PreStartHook } from "../../plugin-host/chains.ts";
import type { ContainerRecord } from "../container-record.ts";
import type { CgroupDriver } from "./cgroup-path.ts";
import type { HostFacts } from "./host-facts.ts";
import type { RootfsReader } from "./rootfs-reader.ts";
import type { HostDevices } from "./devices.ts";

/** What the operator configured; the same for every container. */
export interface SpecSettings {
  cgroupDriver: CgroupDriver;
  /** Parent of containers that name none; empty for the driver's default. */
  cgroupParent: string;
  /** Program that `Init` puts in front; absent when this machine has none. */
  initPath?: string;
  /** `init` of the daemon's configuration: containers that say nothing get one. */
  initByDefault: boolean;
  /** Limits of containers that set none of the same name. */
  defaultUlimits: readonly { Name: string; Soft: number; Hard: number }[];
  /** The runtime can make a bind read-only with everything mounted below it (runc 1.1 on Linux 5.12). */
  recursiveReadOnly: boolean;
}

/** A running container whose namespace is shared. */
export interface JoinedContainer {
  pid: number;
  /** Path on the host of its `/dev/shm`, for IPC. */
  shmPath?: string;
}

/** Everything a container's spec is made from. Building it reads the container's files and the host's devices and changes nothing. */
export interface SpecInput {
  record: ContainerRecord;
  facts: HostFacts;
  settings: SpecSettings;
  /** What the spec's `root.path` says. */
  rootPath: string;
  /** The container's files: the user's names and groups are looked up in them. */
  rootfs: RootfsReader;
  devices: HostDevices;
  /** Text of `/proc/self/mountinfo`; asked for only when a bind wants propagation. */
  mountInfo(): string;
  network: NetworkSandbox;
  /** Variables about linked containers: below the container's own. */
  linkEnv?: readonly string[];
  /** In the order they are to run. */
  hooks: readonly PreStartHook[];
  /** Owners of namespaces this container joins (see `joinedContainers`). */
  joined: { pid?: JoinedContainer; ipc?: JoinedContainer };
  /** Host path of this container's own `/dev/shm`, needed when it is shareable. */
  shmPath?: string;
  /** Host paths of what the `Subpath`s of its volumes name, by destination; needed when it has such mounts. */
  subpaths?: ReadonlyMap<string, string>;
  /** Where the links in sources of mounts lead, by the source as it was written; default: they have none. Needed where propagation is asked for. */
  sources?: ReadonlyMap<string, string>;
  /** Host paths of the images' files it has as volumes, by destination. */
  imagePlaces?: ReadonlyMap<string, string>;
}
