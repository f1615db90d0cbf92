import { EngineError, internal } from "@pouchcontainer/errors";
import { SystemCallError, type Libc } from "@pouchcontainer/linux";
import { closeSync, readFileSync } from "node:fs";
import { familyOf } from "../ipam/cidr.ts";
import type { PublishedPort } from "../sandbox-record.ts";
import { bindSocket } from "./host-sockets.ts";
import type { PortRequest } from "./port-specs.ts";

/** A host port that is ours while its socket is open. */
export interface HeldPort extends PublishedPort {
  /** Keeps the port ours. Undefined where the kernel has no such protocol, and once a proxy has taken it over. */
  socket: number | undefined;
}

/** Host ports of containers: who has which, and a bound socket for each so that no other program takes it. */
export class PortAllocator {
  readonly #libc: Libc;
  readonly #held = new Map<string, Set<string>>();
  readonly #ephemeral: { first: number; last: number };
  #next: number;

  constructor(libc: Libc, procRoot = "/proc") {
    this.#libc = libc;
    const [first, last] = readFileSync(`${procRoot}/sys/net/ipv4/ip_local_port_range`, "utf8").trim().split(/\s+/).map(Number);
    this.#ephemeral = { first: first ?? 32768, last: last ?? 60999 };
    this.#next = this.#ephemeral.first;
  }

  /** Takes what one request asks for: one port, on every address it names. All or nothing. */
  take(request: PortRequest, addresses: string[]): HeldPort[] {
    const { hostPorts } = request;
    if (hostPorts && hostPorts.first === hostPorts.last) return this.#takeAll(request, addresses, hostPorts.first);
    const { first, last } = hostPorts ?? this.#ephemeral;
    const size = last - first + 1;
    const start = hostPorts ? first : this.#next;
    for (let step = 0; step < size; step++) {
      const port = first + ((start - first + step) % size);
      try {
        const held = this.#takeAll(request, addresses, port);
        if (!hostPorts) this.#next = port === last ? first : port + 1;
        return held;
      } catch (error) {
        if (!(error instanceof PortTaken)) throw error;
      }
    }
    throw internal(`Bind for ${addresses[0]}:${hostPorts ? `${first}-${last}` : "0"} failed: all ports are allocated`);
  }

  /** Takes a port back that a running container had before the daemon's restart; only the socket may be missing. */
  retake(port: PublishedPort): HeldPort {
    let socket: number | undefined;
    try {
      socket = bindSocket(this.#libc, port.protocol, port.hostAddress, port.hostPort);
    } catch {
      // Somebody took the port meanwhile; the translation rules still come before that program.
    }
    this.#addresses(port).add(port.hostAddress);
    return { ...port, socket };
  }

  give(port: HeldPort): void {
    if (port.socket !== undefined) closeSync(port.socket);
    port.socket = undefined;
    this.#addresses(port).delete(port.hostAddress);
  }

  #takeAll(request: PortRequest, addresses: string[], hostPort: number): HeldPort[] {
    const held: HeldPort[] = [];
    try {
      for (const hostAddress of addresses) {
        const port = { protocol: request.protocol, containerPort: request.port, hostAddress, hostPort };
        held.push(this.#takeOne(port));
      }
      return held;
    } catch (error) {
      for (const port of held) this.give(port);
      throw error;
    }
  }

  #takeOne(port: PublishedPort): HeldPort {
    const place = `${bracketed(port.hostAddress)}:${port.hostPort}`;
    const addresses = this.#addresses(port);
    if ([...addresses].some((other) => sameSocket(other, port.hostAddress)))
      throw new PortTaken(`Bind for ${place} failed: port is already allocated`);
    try {
      const socket = bindSocket(this.#libc, port.protocol, port.hostAddress, port.hostPort);
      addresses.add(port.hostAddress);
      return { ...port, socket };
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      const what = `listen ${port.protocol}${familyOf(port.hostAddress)} ${place}: bind`;
      if (error.code === "EADDRINUSE") throw new PortTaken(`${what}: address already in use`, { cause: error });
      if (error.code === "EADDRNOTAVAIL") throw internal(`${what}: cannot assign requested address`, { cause: error });
      throw internal(`${what}: ${error.message}`, { cause: error });
    }
  }

  #addresses(port: PublishedPort): Set<string> {
    const key = `${port.protocol} ${port.hostPort}`;
    let addresses = this.#held.get(key);
    if (!addresses) this.#held.set(key, (addresses = new Set()));
    return addresses;
  }
}

/** The one failure after which the next port of a range is tried. */
class PortTaken extends EngineError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("internal", message, options);
  }
}

function sameSocket(a: string, b: string): boolean {
  if (familyOf(a) !== familyOf(b)) return false;
  const any = familyOf(a) === 4 ? "0.0.0.0" : "::";
  return a === b || a === any || b === any;
}

function bracketed(address: string): string {
  return familyOf(address) === 6 ? `[${address}]` : address;
}
