import { internal } from "@pouchcontainer/errors";
import { linux, type Libc } from "@pouchcontainer/linux";
import { closeSync, openSync, rmSync } from "node:fs";
import { detachMount, ThreadNamespaces } from "../networks/linux/thread-namespaces.ts";

export type PinnedKind = "ipc" | "uts";

/** Namespaces of System V and POSIX ipc, and of the host's names, kept alive by bind mounts. */
export class PinnedNamespaces {
  readonly #libc: Libc;
  readonly #threads: Record<PinnedKind, ThreadNamespaces>;

  constructor({ libc }: { libc: Libc }) {
    this.#libc = libc;
    this.#threads = { ipc: new ThreadNamespaces({ libc, kind: "ipc" }), uts: new ThreadNamespaces({ libc, kind: "uts" }) };
  }

  /** Makes one at a path where nothing is. */
  create(kind: PinnedKind, path: string): void {
    closeSync(openSync(path, "wx", 0o444));
    try {
      this.#threads[kind].make(path);
    } catch (error) {
      this.unpin(path);
      throw internal(`cannot keep the ${kind} namespace ${path}: it has to be on a file system that allows mounts`, {
        cause: error,
      });
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
    detachMount(this.#libc, path);
  }

  /** Runs `work`, which must not be async, with this thread in the namespace. */
  within<T>(kind: PinnedKind, path: string, work: () => T extends Promise<unknown> ? never : T): T {
    return this.#threads[kind].within(path, work);
  }

  /** Mounts a tmpfs for shared memory on a folder. */
  mountSharedMemory(path: string, sizeBytes: number): void {
    const options = Buffer.from(`mode=1777,size=${sizeBytes}\0`);
    this.#libc.call("mount", "shm", path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC, options);
  }

  close(): void {
    for (const thread of Object.values(this.#threads)) thread.close();
  }
}
