import { internal } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { linux, SystemCallError, type Libc } from "@pouchcontainer/linux";
import { closeSync, existsSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { applyLinkChanges, type LinkChange } from "./link-changes.ts";

/**
 * Network namespaces kept alive by a bind mount under a folder of ours, one file per sandbox. Making one takes about
 * half a millisecond; the kernel takes a removed one apart (its veths with it) when the last process has left.
 */
export class NetworkNamespaces {
  readonly #libc: Libc;
  readonly #directory: string;
  readonly #host: number;

  constructor(deps: { libc: Libc; directory: string }) {
    this.#libc = deps.libc;
    this.#directory = deps.directory;
    makeFoldersSync(deps.directory, 0o700);
    this.#host = openSync("/proc/thread-self/ns/net", "r");
  }

  path(id: string): string {
    return join(this.#directory, id);
  }

  exists(id: string): boolean {
    return existsSync(this.path(id));
  }

  list(): string[] {
    return readdirSync(this.#directory);
  }

  /** Makes the namespace, or takes the one that is there. */
  create(id: string): string {
    const path = this.path(id);
    if (this.#isNamespace(path)) return path;
    closeSync(openSync(path, "w", 0o444));
    try {
      this.#libc.call("unshare", linux.CLONE_NEWNET);
      this.#libc.call("mount", "/proc/thread-self/ns/net", path, "none", linux.MS_BIND, null);
      this.#raiseLoopback();
    } catch (error) {
      this.remove(id);
      throw internal(`cannot keep the network namespace ${path}: it has to be on a file system that allows mounts`, {
        cause: error,
      });
    } finally {
      this.#leave();
    }
    return path;
  }

  /** Takes the namespace away, also when it is half made or gone. */
  remove(id: string): void {
    const path = this.path(id);
    try {
      this.#libc.call("umount2", path, linux.MNT_DETACH);
    } catch (error) {
      // EINVAL: the file is there but nothing is mounted on it; ENOENT: not even the file.
      if (!(error instanceof SystemCallError) || !["EINVAL", "ENOENT"].includes(error.code)) throw error;
    }
    rmSync(path, { force: true });
  }

  /**
   * Runs `work` with this thread in the namespace. `work` must not be async: what it opens (sockets, child processes,
   * files under /proc/sys/net) belongs to the namespace for good, and nothing else of the daemon runs meanwhile.
   */
  within<T>(path: string, work: () => T extends Promise<unknown> ? never : T): T {
    const descriptor = openSync(path, "r");
    try {
      this.#libc.call("setns", descriptor, linux.CLONE_NEWNET);
      try {
        return work();
      } finally {
        this.#leave();
      }
    } finally {
      closeSync(descriptor);
    }
  }

  /** Changes interfaces inside the namespace. */
  change(path: string, changes: LinkChange[]): void {
    if (changes.length === 0) return;
    this.within(path, () => applyLinkChanges(this.#libc, changes));
  }

  close(): void {
    closeSync(this.#host);
  }

  /** runc raises `lo` only in namespaces it makes itself. */
  #raiseLoopback(): void {
    const request = Buffer.alloc(40);
    request.write("lo");
    request.writeUInt16LE(linux.IFF_UP, 16);
    const socket = this.#libc.call("socket", linux.AF_INET, linux.SOCK_DGRAM | linux.SOCK_CLOEXEC, 0);
    try {
      this.#libc.call("ioctl", socket, linux.SIOCSIFFLAGS, request);
    } finally {
      closeSync(socket);
    }
  }

  #leave(): void {
    try {
      this.#libc.call("setns", this.#host, linux.CLONE_NEWNET);
    } catch (error) {
      // A daemon whose main thread sits in a container's namespace would serve everybody else's network from there.
      writeSync(2, `fatal: cannot return to the host's network namespace: ${String(error)}\n`);
      process.abort();
    }
  }

  #isNamespace(path: string): boolean {
    if (!existsSync(path)) return false;
    const descriptor = openSync(path, "r");
    try {
      this.#libc.call("setns", descriptor, linux.CLONE_NEWNET);
      this.#leave();
      return true;
    } catch {
      return false;
    } finally {
      closeSync(descriptor);
    }
  }
}
