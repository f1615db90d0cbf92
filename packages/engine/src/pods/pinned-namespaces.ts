import { internal } from "@pouchcontainer/errors";
import { linux, SystemCallError, type Libc } from "@pouchcontainer/linux";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";

/** `CLONE_` flags by the name under /proc/PID/ns. */
const flags = { ipc: linux.CLONE_NEWIPC, uts: linux.CLONE_NEWUTS } as const;

export type PinnedKind = keyof typeof flags;

/**
 * Namespaces of System V and POSIX ipc, and of the host's names, kept alive by bind mounts. The calling thread makes and enters them
 * itself and comes back in the same tick; both are a thread's own affair, unlike mounts.
 */
export class PinnedNamespaces {
  readonly #libc: Libc;
  readonly #host: Record<PinnedKind, number>;

  constructor(deps: { libc: Libc }) {
    this.#libc = deps.libc;
    this.#host = { ipc: openSync("/proc/thread-self/ns/ipc", "r"), uts: openSync("/proc/thread-self/ns/uts", "r") };
  }

  /** Makes one at a path where nothing is. */
  create(kind: PinnedKind, path: string): void {
    closeSync(openSync(path, "wx", 0o444));
    try {
      this.#libc.call("unshare", flags[kind]);
      this.#libc.call("mount", `/proc/thread-self/ns/${kind}`, path, "none", linux.MS_BIND, null);
    } catch (error) {
      this.unpin(path);
      throw internal(`cannot keep the ${kind} namespace ${path}: it has to be on a file system that allows mounts`, {
        cause: error,
      });
    } finally {
      this.#leave(kind);
    }
  }

  /** Pins a namespace that a process has. */
  pin(source: string, path: string): void {
    closeSync(openSync(path, "wx", 0o444));
    this.#libc.call("mount", source, path, "none", linux.MS_BIND, null);
  }

  /** Takes a pin away, of whatever kind, also one that is half made or gone. */
  unpin(path: string): void {
    this.unmount(path);
    rmSync(path, { force: true });
  }

  /** Takes a mount away, or finds none; it is nobody's to find any more, also where somebody still uses it. */
  unmount(path: string): void {
    try {
      this.#libc.call("umount2", path, linux.MNT_DETACH);
    } catch (error) {
      // EINVAL: the place is there but nothing is mounted on it; ENOENT: not even the place.
      if (!(error instanceof SystemCallError) || !["EINVAL", "ENOENT"].includes(error.code)) throw error;
    }
  }

  /** Runs `work`, which must not be async, with this thread in the namespace. */
  within<T>(kind: PinnedKind, path: string, work: () => T extends Promise<unknown> ? never : T): T {
    const descriptor = openSync(path, "r");
    try {
      this.#libc.call("setns", descriptor, flags[kind]);
      try {
        return work();
      } finally {
        this.#leave(kind);
      }
    } finally {
      closeSync(descriptor);
    }
  }

  /** Mounts a tmpfs for shared memory on a folder. */
  mountSharedMemory(path: string, sizeBytes: number): void {
    const options = Buffer.from(`mode=1777,size=${sizeBytes}\0`);
    this.#libc.call("mount", "shm", path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC, options);
  }

  close(): void {
    for (const descriptor of Object.values(this.#host)) closeSync(descriptor);
  }

  #leave(kind: PinnedKind): void {
    try {
      this.#libc.call("setns", this.#host[kind], flags[kind]);
    } catch (error) {
      // As in NetworkNamespaces: a daemon that is somebody else's host must not go on.
      writeSync(2, `fatal: cannot return to the host's ${kind} namespace: ${String(error)}\n`);
      process.abort();
    }
  }
}
