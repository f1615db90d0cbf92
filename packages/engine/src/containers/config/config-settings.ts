import type { LogConfig, Ulimit } from "@pouchcontainer/api";
import type { CgroupDriver } from "../spec/cgroup-path.ts";

/** What the operator's configuration contributes to a create request. */
export interface ConfigSettings {
  /** Names of the runtimes containers may ask for. */
  runtimes: readonly string[];
  defaultRuntime: string;
  logDrivers: readonly string[];
  defaultLogConfig: LogConfig;
  /** Bytes of /dev/shm. */
  defaultShmSize: number;
  defaultIpcMode: "private" | "shareable";
  /** Empty: private on cgroup v2, the host's on v1. */
  defaultCgroupnsMode: "" | "private" | "host";
  cgroupDriver: CgroupDriver;
  defaultUlimits: readonly Ulimit[];
  /** Host name of this machine, which containers on its network have. */
  hostname: string;
  domainname: string;
  defaultStopTimeoutSeconds: number;
  /** Least limit of memory a request may ask for. Default: Docker's. */
  leastMemoryBytes?: number;
}

/** Another container named in a request (`container:web`, `--volumes-from`, links). */
export interface ReferencedContainer {
  id: string;
  name: string;
  networkMode: string;
}
