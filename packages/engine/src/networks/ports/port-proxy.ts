import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { connect, Server, type Socket } from "node:net";
import { familyOf } from "../ipam/cidr.ts";
import type { HeldPort } from "./port-allocator.ts";

/** A UDP client that has been silent this long loses its way back. */
const udpIdleMilliseconds = 90_000;

export interface PortProxy {
  close(): void;
}

/**
 * Serves the host's side of a published port for what the kernel's translation does not reach: `[::1]`, and IPv6 clients of a
 * container that has no IPv6 address. With `relay` off such connections are refused at once. Takes the socket over.
 */
export function serveHostPort(port: HeldPort, target: { address: string; port: number }, relay: boolean): PortProxy | undefined {
  const fd = port.socket;
  if (fd === undefined || port.protocol === "sctp" || (port.protocol === "udp" && !relay)) return undefined;
  port.socket = undefined;
  return port.protocol === "tcp" ? serveTcp(fd, target, relay) : serveUdp(fd, familyOf(port.hostAddress), target);
}

function serveTcp(fd: number, target: { address: string; port: number }, relay: boolean): PortProxy {
  const open = new Set<Socket>();
  const server = new Server({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    if (!relay) {
      client.resetAndDestroy();
      return;
    }
    const container = connect({ host: target.address, port: target.port, allowHalfOpen: true });
    for (const [from, to] of [
      [client, container],
      [container, client],
    ] as const) {
      open.add(from);
      from.once("close", () => open.delete(from));
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
    client.resume();
  });
  server.on("error", () => server.close());
  server.listen({ fd });
  server.unref();
  return {
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function serveUdp(fd: number, family: 4 | 6, target: { address: string; port: number }): PortProxy {
  const front = createSocket(family === 4 ? "udp4" : "udp6");
  const clients = new Map<string, { back: UdpSocket; timer: NodeJS.Timeout }>();
  const backFor = (remote: RemoteInfo) => {
    const key = `${remote.address} ${remote.port}`;
    const known = clients.get(key);
    if (known) {
      known.timer.refresh();
      return known.back;
    }
    const back = createSocket(familyOf(target.address) === 4 ? "udp4" : "udp6");
    const drop = () => {
      clients.delete(key);
      back.close();
    };
    const timer = setTimeout(drop, udpIdleMilliseconds);
    timer.unref();
    back.on("message", (answer) => {
      timer.refresh();
      front.send(answer, remote.port, remote.address);
    });
    back.on("error", () => undefined); // An unreachable container shows as silence, as UDP has it.
    clients.set(key, { back, timer });
    return back;
  };
  front.on("message", (message, remote) => backFor(remote).send(message, target.port, target.address));
  front.on("error", () => undefined);
  front.bind({ fd });
  front.unref();
  return {
    close: () => {
      front.close();
      for (const { back, timer } of clients.values()) {
        clearTimeout(timer);
        back.close();
      }
    },
  };
}
