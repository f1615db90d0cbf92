import type { PortProtocol } from "../networks/sandbox-record.ts";

/** What a pod is asked to be. Fields hold normalised values: "" and {} where nothing was asked. */
export interface PodConfig {
  /** Together the pod's name: no two pods have all four alike. */
  metadata: { name: string; uid: string; namespace: string; attempt: number };
  /** "" for the host's own name. */
  hostname: string;
  /** NIS domain name; "" for that of the host. */
  domainname: string;
  /** Folder on the host of its containers' logs; "" for none. */
  logDirectory: string;
  /** Absent: the host's resolv.conf. */
  dns?: { servers: string[]; searches: string[]; options: string[] };
  ports: PodPort[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  namespaces: PodNamespaces;
  /** Control group its containers are put below: a path (cgroupfs), or a slice (systemd); "" for the daemon's own. */
  cgroupParent: string;
  /** By name, with dots: `net.core.somaxconn`. */
  sysctls: Record<string, string>;
  /** Size of /dev/shm. Default: 64 MiB. */
  shmSizeBytes?: number;
  /** Its containers may be privileged. */
  privileged: boolean;
  /** Name of the class of runtime; "" for the default one. */
  runtimeHandler: string;
  resources?: PodResources;
  /** What the pod itself takes beside its containers. */
  overhead?: PodResources;
}

export interface PodNamespaces {
  /** `node`: the host's. A pod in the host's network has the host's name too. */
  network: "pod" | "node";
  ipc: "pod" | "node";
  /** `container`: each container has its own. */
  pid: "pod" | "container" | "node";
}

export interface PodPort {
  protocol: PortProtocol;
  containerPort: number;
  /** 0: not published. */
  hostPort: number;
  /** "" for all addresses of the host. */
  hostIp: string;
}

/** Limits of a pod as a whole; 0 or absent: none was given. */
export interface PodResources {
  cpuPeriodMicroseconds?: number;
  /** -1 for no limit. */
  cpuQuotaMicroseconds?: number;
  cpuShares?: number;
  memoryLimitBytes?: number;
  /** Memory and swap together. */
  memorySwapLimitBytes?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  /** Files of cgroup v2 by name. */
  unified?: Record<string, string>;
}

/** The one text that stands for a pod's name. */
export function podName({ metadata: { name, namespace, uid, attempt } }: PodConfig): string {
  return [name, namespace, uid, attempt].join("_");
}
