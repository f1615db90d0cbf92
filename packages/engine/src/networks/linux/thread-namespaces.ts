import { linux, SystemCallError, type Libc } from "@pouchcontainer/linux";
import { closeSync, openSync, writeSync } from "node:fs";

/** `CLONE_` flags by the name under /proc/PID/ns: those a thread makes and enters alone, unlike mounts. */
const flags = { net: linux.CLONE_NEWNET, ipc: linux.CLONE_NEWIPC, uts: linux.CLONE_NEWUTS } as const;

export type NamespaceKind = keyof typeof flags;

/** Namespaces of one kind, which the daemon's own thread makes and enters itself, to come back in the same tick. */
export class ThreadNamespaces {
  readonly #libc: Libc;
  readonly #kind: NamespaceKind;
  readonly #host: number;

  constructor({ libc, kind }: { libc: Libc; kind: NamespaceKind }) {
    this.#libc = libc;
    this.#kind = kind;
    this.#host = openSync(`/proc/thread-self/ns/${kind}`, "r");
  }

  /** Makes one, kept alive by a bind mount on the file at `path`, and runs `prepare` in it. What a failure leaves is the caller's to take away. */
  make(path: string, prepare?: () => void): void {
    try {
      this.#libc.call("unshare", flags[this.#kind]);
      this.#libc.call("mount", `/proc/thread-self/ns/${this.#kind}`, path, "none", linux.MS_BIND, null);
      prepare?.();
    } finally {
      this.#leave();
    }
  }

  /**
   * Runs `work` with this thread in the namespace. `work` must not be async: what it opens (sockets, child processes,
   * files under /proc/sys) belongs to the namespace for good, and nothing else of the daemon runs meanwhile.
   */
  within<T>(path: string, work: () => T extends Promise<unknown> ? never : T): T {
    const descriptor = openSync(path, "r");
    try {
      this.#libc.call("setns", descriptor, flags[this.#kind]);
      try {
        return work();
      } finally {
        this.#leave();
      }
    } finally {
      closeSync(descriptor);
    }
  }

  close(): void {
    closeSync(this.#host);
  }

  #leave(): void {
    try {
      this.#libc.call("setns", this.#host, flags[this.#kind]);
    } catch (error) {
      // A daemon whose main thread sits in a container's namespace would serve everybody else from there.
      writeSync(2, `fatal: cannot return to the host's ${this.#kind} namespace: ${String(error)}\n`);
      process.abort();
    }
  }
}

/** Takes a mount away, or finds none; it is nobody's to find any more, also where somebody still uses it. */
export function detachMount(libc: Libc, path: string): void {
  try {
    libc.call("umount2", path, linux.MNT_DETACH);
  } catch (error) {
    // EINVAL: the place is there but nothing is mounted on it; ENOENT: not even the place.
    if (!(error instanceof SystemCallError) || !["EINVAL", "ENOENT"].includes(error.code)) throw error;
  }
}
