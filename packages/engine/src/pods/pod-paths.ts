import { join } from "node:path";

/** Where pods have their folders. */
export interface PodRoots {
  /** `<home>/pods`: files their containers see. */
  home: string;
  /** `<exec-root>/pods`: mounts, gone with a reboot. */
  exec: string;
}

/** Where each thing of one pod is, whether it has it or not. */
export interface PodPaths {
  home: string;
  exec: string;
  hostname: string;
  resolvConf: string;
  hosts: string;
  network: string;
  ipc: string;
  uts: string;
  pid: string;
  shm: string;
  /** Bundle and state of the process that holds the pid namespace. */
  init: string;
}

export function podPaths(roots: PodRoots, id: string): PodPaths {
  const home = join(roots.home, id);
  const exec = join(roots.exec, id);
  return {
    home,
    exec,
    hostname: join(home, "hostname"),
    resolvConf: join(home, "resolv.conf"),
    hosts: join(home, "hosts"),
    network: join(exec, "net"),
    ipc: join(exec, "ipc"),
    uts: join(exec, "uts"),
    pid: join(exec, "pid"),
    shm: join(exec, "shm"),
    init: join(exec, "init"),
  };
}
