import { unavailable } from "@pouchcontainer/errors";
import { linux, SystemCallError, type Libc } from "@pouchcontainer/linux";
import { ownConnection } from "@pouchcontainer/owners";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { socketAddress } from "../networks/ports/host-sockets.ts";

export interface PodConnectionsDeps {
  libc: Libc;
  /** Runs `work` with this thread in a network namespace. */
  within<T>(path: string, work: () => T extends Promise<unknown> ? never : T): T;
}

/** A server in a pod may listen with either family alone. */
const loopback = ["127.0.0.1", "::1"];

/** Connections of the daemon's with ports of pods. A socket holds the namespace it was made in, so a pod that ends takes them along. */
export class PodConnections {
  readonly #deps: PodConnectionsDeps;
  readonly #open = new Map<string, Set<Socket>>();

  constructor(deps: PodConnectionsDeps) {
    this.#deps = deps;
  }

  /** Connects with a port on the loopback of a pod, or of the host where it has its network. Throws where nobody listens. */
  connect(podId: string, netnsPath: string | undefined, port: number): Socket {
    const work = (): number => connectedSocket(this.#deps.libc, port);
    const fd = netnsPath === undefined ? work() : this.#deps.within(netnsPath, work);
    const socket = ownConnection(new Socket({ fd, allowHalfOpen: true }));
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
    for (const podId of [...this.#open.keys()]) this.end(podId);
  }
}

function connectedSocket(libc: Libc, port: number): number {
  const failures: unknown[] = [];
  for (const address of loopback) {
    try {
      return connectTo(libc, address, port);
    } catch (error) {
      failures.push(error);
    }
  }
  throw unavailable(`nobody listens on port ${port}`, { cause: failures[0] });
}

function connectTo(libc: Libc, address: string, port: number): number {
  const name = socketAddress(address, port);
  const family = address.includes(":") ? linux.AF_INET6 : linux.AF_INET;
  const fd = libc.call("socket", family, linux.SOCK_STREAM | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC, 0);
  try {
    libc.call("connect", fd, name, name.length);
  } catch (error) {
    // Under way, with a server that has many waiting; over loopback all else is known at once.
    if (!(error instanceof SystemCallError && error.code === "EINPROGRESS")) {
      closeSync(fd);
      throw error;
    }
  }
  return fd;
}
