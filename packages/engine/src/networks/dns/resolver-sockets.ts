import { closeSync } from "node:fs";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { spawn } from "node:child_process";
import { internal } from "@pouchcontainer/errors";
import { embeddedResolver } from "../files/resolv-conf.ts";
import { startFailure } from "../linux/ip-shell.ts";
import { linux, SystemCallError, type Libc } from "../linux/libc.ts";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";
import { bindSocket, portOf } from "../ports/host-sockets.ts";

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

/** Puts the translation in place, in a table of the container's own namespace; replaces the one of before. */
export function redirectResolver(
  deps: { namespaces: NetworkNamespaces; env: NodeJS.ProcessEnv },
  netnsPath: string,
  ports: { udpPort: number; tcpPort: number },
): Promise<void> {
  const table = "pouch_resolver";
  const document = [
    `table ip ${table} {}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    "chain output { type nat hook output priority -100;",
    `ip daddr ${embeddedResolver} udp dport 53 dnat to ${embeddedResolver}:${ports.udpPort}`,
    `ip daddr ${embeddedResolver} tcp dport 53 dnat to ${embeddedResolver}:${ports.tcpPort}`,
    "}",
    "}",
    "",
  ].join("\n");
  const child = deps.namespaces.within(netnsPath, () =>
    spawn("nft", ["-f", "-"], { env: deps.env, stdio: ["pipe", "ignore", "pipe"] }),
  );
  return new Promise((resolve, reject) => {
    let errors = "";
    child.stdin.on("error", () => undefined); // Reported by its exit.
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.once("error", (error) => reject(startFailure("nft", "nftables", error)));
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(internal(`nft could not lead the container's name queries to its resolver: ${errors.trim()}`)),
    );
    child.stdin.end(document);
  });
}

/** A UDP socket of the container's namespace, for name servers that only its networks reach. */
export function namespaceUdpSocket(
  deps: { libc: Libc; namespaces: NetworkNamespaces },
  netnsPath: string,
  family: 4 | 6,
): UdpSocket {
  const fd = deps.namespaces.within(netnsPath, () =>
    deps.libc.call(
      "socket",
      family === 4 ? linux.AF_INET : linux.AF_INET6,
      linux.SOCK_DGRAM | linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC,
      0,
    ),
  );
  const socket = createSocket(family === 4 ? "udp4" : "udp6");
  socket.bind({ fd });
  return socket;
}
