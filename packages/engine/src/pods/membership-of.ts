import type { PodMembership } from "../containers/pod-membership.ts";
import { podPaths, type PodRoots } from "./pod-paths.ts";
import type { PodRecord } from "./pod-record.ts";

export interface MembershipOptions {
  /** Absolute path of the container's log; "" for none. */
  logPath: string;
  /** Its pid namespace: of the pod's, of the host, of its own, or that of another container by path. Default: as the pod has it. */
  pid?: "pod" | "node" | "container" | { path: string };
}

/** What a container gets from its pod. */
export function membershipOf({ id, config }: PodRecord, roots: PodRoots, options: MembershipOptions): PodMembership {
  const { namespaces } = config;
  const paths = podPaths(roots, id);
  const inPod = namespaces.network === "pod";
  const ownsIpc = namespaces.ipc === "pod";
  return {
    podId: id,
    namespaces: {
      network: inPod ? paths.network : "host",
      ipc: ownsIpc ? paths.ipc : "host",
      uts: inPod ? paths.uts : "host",
      pid: pidNamespace(options.pid ?? namespaces.pid, paths.pid),
    },
    files: { hostnamePath: paths.hostname, resolvConfPath: paths.resolvConf, hostsPath: paths.hosts },
    ...(ownsIpc && { shmPath: paths.shm }),
    logPath: options.logPath,
  };
}

function pidNamespace(kind: NonNullable<MembershipOptions["pid"]>, ofPod: string): string {
  if (typeof kind === "object") return kind.path;
  return { pod: ofPod, node: "host", container: "own" }[kind];
}
