import { deadlineExceeded, unavailable } from "@pouchcontainer/errors";
import { linux, SystemCallError, type Libc } from "@pouchcontainer/linux";
import { ownConnection } from "@pouchcontainer/owners";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { socketAddress } from "../networks/ports/host-sockets.ts";

export interface PodConnectionsDeps {
  libc: Libc;
  /** Runs `work` with this thread in a network namespace. */
  within<T>(path: string, work: () => T extends Promise<unknown> ? never : T): T;
}

export interface PortOfPod {
  /** Absent: the host's. */
  netnsPath?: string | undefined;
  port: number;
  signal?: AbortSignal | undefined;
}

const socketFlags = linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC;

/** A server in a pod may listen with either family alone. */
const loopback = ["127.0.0.1", "::1"];

/** Connections of the daemon's with ports of pods. A socket holds the namespace it was made in, so a pod that ends takes them along. */
export class PodConnections {
  readonly #deps: PodConnectionsDeps;
  readonly #open = new Map<string, Set<Socket>>();

  constructor(deps: PodConnectionsDeps) {
    this.#deps = deps;
  }

  /** Connects with a port on the loopback of a pod, or of the host where it has its network. Rejects where nobody listens. */
  async connect(podId: string, { netnsPath, port, signal }: PortOfPod): Promise<Socket> {
    const { libc } = this.#deps;
    const open = (family: number): number => libc.call("socket", family, linux.SOCK_STREAM | socketFlags, 0);
    const failures: unknown[] = [];
    for (const address of loopback) {
      const family = address.includes(":") ? linux.AF_INET6 : linux.AF_INET;
      const fd = netnsPath === undefined ? open(family) : this.#deps.within(netnsPath, () => open(family));
      try {
        await connected(libc, fd, socketAddress(address, port), signal);
      } catch (error) {
        closeSync(fd);
        failures.push(error);
        continue;
      }
      return this.#remember(podId, ownConnection(new Socket({ fd, allowHalfOpen: true })));
    }
    signal?.throwIfAborted();
    throw unavailable(`nobody listens on port ${port}`, { cause: failures[0] });
  }

  #remember(podId: string, socket: Socket): Socket {
    const open = this.#open.get(podId) ?? new Set();
    this.#open.set(podId, open.add(socket));
    socket.once("close", () => {
      open.delete(socket);
      if (open.size === 0 && this.#open.get(podId) === open) this.#open.delete(podId);
    });
    return socket;
  }

  /** Breaks off those of a pod. */
  end(podId: string): void {
    for (const socket of this.#open.get(podId) ?? []) socket.destroy();
  }

  close(): void {
    for (const podId of this.#open.keys()) this.end(podId);
  }
}

/** How long a connection may take: a server has that many waiting, or none looks at what comes. */
const connectMs = 10_000;
const lookMs = 2;

/** Connects without holding up this thread: asked again, the call says how far it has come (connect(2)). */
async function connected(libc: Libc, fd: number, name: Buffer, signal: AbortSignal | undefined): Promise<void> {
  for (const end = performance.now() + connectMs; performance.now() < end;) {
    signal?.throwIfAborted();
    try {
      libc.call("connect", fd, name, name.length);
      return;
    } catch (error) {
      const errno = error instanceof SystemCallError ? error.errno : 0;
      if (errno === linux.EISCONN) return;
      if (errno !== linux.EINPROGRESS && errno !== linux.EALREADY) throw error;
    }
    await sleep(lookMs);
  }
  throw deadlineExceeded(`no connection within ${connectMs} ms`);
}
