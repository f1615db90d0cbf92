/** What a container of a pod has from it, instead of what Docker's modes give. */
export interface PodMembership {
  podId: string;
  /** Each: the absolute path of a pinned namespace, `host`, or `own` (one of the container alone). */
  namespaces: { network: string; ipc: string; uts: string; pid: string };
  /** Host paths put over /etc/hostname, /etc/resolv.conf and /etc/hosts; a mount that is asked for there takes the place of one. */
  files: { hostnamePath?: string; resolvConfPath?: string; hostsPath?: string };
  /** Host path of the pod's /dev/shm; absent: the container's own, or the host's with the host's IPC namespace. */
  shmPath?: string;
  /** Absolute path of the log in CRI's format; "" when none is wanted. */
  logPath: string;
}

/** Whether processes of others are in the container's pid namespace: with its first process not all of it ends. */
export function sharesPids({ pod, hostConfig }: { pod?: PodMembership; hostConfig: { PidMode?: string } }): boolean {
  return pod ? pod.namespaces.pid !== "own" : (hostConfig.PidMode ?? "") !== "";
}

/** Docker's modes that come nearest, for all who read a `HostConfig`: what is joined by a path has no word there. */
export function modesOf({ namespaces }: PodMembership): {
  NetworkMode: string;
  IpcMode: string;
  PidMode: string;
  UTSMode: string;
} {
  const { network, ipc, uts, pid } = namespaces;
  return {
    NetworkMode: network === "host" ? "host" : "none",
    IpcMode: ipc === "host" ? "host" : "private",
    PidMode: pid === "host" ? "host" : "",
    UTSMode: uts === "host" ? "host" : "",
  };
}
