import type { Libc } from "@pouchcontainer/linux";
import { closeSync } from "node:fs";
import { DnsServer, type DnsServerOptions } from "./dns/dns-server.ts";
import { Forwarder } from "./dns/forwarder.ts";
import type { NameDirectory } from "./dns/name-directory.ts";
import type { PendingQueries } from "./dns/pending-queries.ts";
import { hostSockets, namespaceSockets } from "./dns/query-sockets.ts";
import { bindResolverSockets, redirectResolver } from "./dns/resolver-sockets.ts";
import type { NetworkNamespaces } from "./linux/network-namespaces.ts";
import type { EndpointRecord } from "./sandbox-record.ts";

export interface SandboxResolverDeps {
  libc: Libc;
  namespaces: NetworkNamespaces;
  names: NameDirectory;
  pending: PendingQueries;
}

export interface ResolverSettings {
  endpoints: EndpointRecord[];
  servers: string[];
  /** The servers were named for this container, and may be inside its networks: they are asked from there. */
  fromNamespace: boolean;
  /** The container's options say how many dots a name of the outside has. */
  dottedOnly: boolean;
}

/** One container's name server at 127.0.0.11. */
export class SandboxResolver {
  readonly #deps: SandboxResolverDeps;
  readonly #netnsPath: string;
  readonly #server: DnsServer;
  readonly ports: { udpPort: number; tcpPort: number };

  /** Binds its sockets; `wanted` are the ports it had before a restart of the daemon. */
  constructor(
    deps: SandboxResolverDeps,
    netnsPath: string,
    settings: ResolverSettings,
    wanted?: { udpPort: number; tcpPort: number },
  ) {
    this.#deps = deps;
    this.#netnsPath = netnsPath;
    const { udp, tcp, udpPort, tcpPort } = bindResolverSockets(deps, netnsPath, wanted);
    this.ports = { udpPort, tcpPort };
    try {
      this.#server = new DnsServer({ sockets: { udp, tcp }, pending: deps.pending }, this.#options(settings));
    } catch (error) {
      closeSync(udp);
      closeSync(tcp);
      throw error;
    }
  }

  /** Leads port 53 of 127.0.0.11 to the sockets; `replace` when it was led elsewhere before. */
  redirect(options: { replace: boolean }): void {
    redirectResolver(this.#deps, this.#netnsPath, this.ports, options);
  }

  reconfigure(settings: ResolverSettings): void {
    this.#server.reconfigure(this.#options(settings));
  }

  close(): void {
    this.#server.close();
  }

  #options({ endpoints, servers, fromNamespace, dottedOnly }: ResolverSettings): DnsServerOptions {
    const { names, pending } = this.#deps;
    const outside = endpoints.some((endpoint) => !endpoint.internal) || fromNamespace;
    const sockets = fromNamespace ? namespaceSockets(this.#deps, this.#netnsPath) : hostSockets;
    return {
      names: {
        lookup: (name, family) => names.lookup(endpoints, name, family),
        reverse: (address) => names.reverse(endpoints, address),
      },
      dottedOnly,
      ...(outside ? { forwarder: new Forwarder({ servers, sockets, pending }) } : {}),
    };
  }
}
