import { internal } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { linux, type Libc } from "@pouchcontainer/linux";
import { closeSync, existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { applyLinkChanges, type LinkChange } from "./link-changes.ts";
import { detachMount, ThreadNamespaces } from "./thread-namespaces.ts";

/**
 * Network namespaces kept alive by a bind mount under a folder of ours, one file per sandbox. Making one takes about
 * half a millisecond; the kernel takes a removed one apart (its veths with it) when the last process has left.
 */
export class NetworkNamespaces {
  readonly #libc: Libc;
  readonly #directory: string;
  readonly #thread: ThreadNamespaces;

  constructor(deps: { libc: Libc; directory: string }) {
    this.#libc = deps.libc;
    this.#directory = deps.directory;
    makeFoldersSync(deps.directory, 0o700);
    this.#thread = new ThreadNamespaces({ libc: deps.libc, kind: "net" });
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
      this.#thread.make(path, () => this.#raiseLoopback());
    } catch (error) {
      this.remove(id);
      throw internal(`cannot keep the network namespace ${path}: it has to be on a file system that allows mounts`, {
        cause: error,
      });
    }
    return path;
  }

  /** Takes the namespace away, also when it is half made or gone. */
  remove(id: string): void {
    const path = this.path(id);
    detachMount(this.#libc, path);
    rmSync(path, { force: true });
  }

  /**
   * Runs `work` with this thread in the namespace. `work` must not be async: what it opens (sockets, child processes,
   * files under /proc/sys/net) belongs to the namespace for good, and nothing else of the daemon runs meanwhile.
   */
  within<T>(path: string, work: () => T extends Promise<unknown> ? never : T): T {
    return this.#thread.within(path, work);
  }

  /** Changes interfaces inside the namespace. */
  change(path: string, changes: LinkChange[]): void {
    if (changes.length === 0) return;
    this.within(path, () => applyLinkChanges(this.#libc, changes));
  }

  close(): void {
    this.#thread.close();
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

  #isNamespace(path: string): boolean {
    if (!existsSync(path)) return false;
    try {
      this.within(path, () => undefined);
      return true;
    } catch {
      return false;
    }
  }
}
