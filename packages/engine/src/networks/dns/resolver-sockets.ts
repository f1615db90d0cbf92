import { closeSync } from "node:fs";
import { internal } from "@pouchcontainer/errors";
import { SystemCallError, type Libc } from "@pouchcontainer/linux";
import { embeddedResolver } from "../files/resolv-conf.ts";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";
import { bindSocket, portOf } from "../ports/host-sockets.ts";
import { applyResolverRules } from "./resolver-rules.ts";

export interface ResolverSockets {
  udp: number;
  tcp: number;
  udpPort: number;
  tcpPort: number;
}

/**
 * Binds a container's resolver sockets inside its namespace. They are at 127.0.0.11 on ports of their own, and translation
 * inside the namespace leads port 53 to them: a container may run a name server on every address itself.
 */
export function bindResolverSockets(
  deps: { libc: Libc; namespaces: NetworkNamespaces },
  netnsPath: string,
  wanted?: { udpPort: number; tcpPort: number },
): ResolverSockets {
  return deps.namespaces.within(netnsPath, () => {
    const udp = bindWanted(deps.libc, "udp", wanted?.udpPort);
    try {
      const tcp = bindWanted(deps.libc, "tcp", wanted?.tcpPort);
      return { udp, tcp, udpPort: portOf(deps.libc, udp), tcpPort: portOf(deps.libc, tcp) };
    } catch (error) {
      closeSync(udp);
      throw error;
    }
  });
}

/** The port of before, or any other when somebody in the container has taken it. */
function bindWanted(libc: Libc, protocol: "udp" | "tcp", port: number | undefined): number {
  let socket: number | undefined;
  try {
    socket = bindSocket(libc, protocol, embeddedResolver, port ?? 0);
  } catch (error) {
    if (port === undefined || !(error instanceof SystemCallError) || error.code !== "EADDRINUSE") throw error;
    socket = bindSocket(libc, protocol, embeddedResolver, 0);
  }
  if (socket === undefined) throw internal(`this kernel has no ${protocol}`);
  return socket;
}

/** Leads port 53 of 127.0.0.11 to the sockets. */
export function redirectResolver(
  deps: { libc: Libc; namespaces: NetworkNamespaces },
  netnsPath: string,
  ports: { udpPort: number; tcpPort: number },
  options: { replace: boolean },
): void {
  try {
    deps.namespaces.within(netnsPath, () => applyResolverRules(deps.libc, ports, options));
  } catch (error) {
    throw internal(
      `cannot lead the container's name queries to its resolver: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
