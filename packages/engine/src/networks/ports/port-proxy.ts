import {
  ConnectionServer,
  DatagramSocket,
  inBackground,
  joinConnections,
  openConnection,
  type Peer,
} from "@pouchcontainer/owners";
import type { Socket } from "node:net";
import { familyOf } from "../ipam/cidr.ts";
import type { HeldPort } from "./port-allocator.ts";
import type { RelayBudget } from "./relay-budget.ts";

/** A UDP client that has been silent this long loses its way back. */
const udpIdleMilliseconds = 90_000;

/** Each has a descriptor of the daemon; one more takes the place of the oldest. */
const mostUdpClients = 1024;
/** A peer that is silent so long is asked whether it is still there, as docker-proxy does. */
const keepAlive = { keepAlive: true, keepAliveInitialDelay: 15_000 };
/** For a container of this host to take a connection. */
const connectMilliseconds = 30_000;

export interface PortProxy {
  close(): void;
}

/**
 * Serves the host's side of a published port for what the kernel's translation does not reach: `[::1]`, and IPv6 clients of a
 * container that has no IPv6 address. With `relay` off such connections are refused at once. Takes the socket over.
 */
export function serveHostPort(
  port: HeldPort,
  target: Peer,
  { relay, budget, warn }: { relay: boolean; budget: RelayBudget; warn: (message: string) => void },
): PortProxy | undefined {
  const fd = port.socket;
  if (fd === undefined || port.protocol === "sctp" || (port.protocol === "udp" && !relay)) return undefined;
  port.socket = undefined;
  return port.protocol === "tcp"
    ? serveTcp(fd, target, relay ? bounded(budget, `${port.hostAddress}:${port.hostPort}`, warn) : undefined)
    : serveUdp(fd, familyOf(port.hostAddress), target);
}

/** Room for connections of one port: for so many of it, and for as many as all ports have together. Refusing is told once. */
function bounded(budget: RelayBudget, port: string, warn: (message: string) => void): Pick<RelayBudget, "take" | "giveBack"> {
  let open = 0;
  let told = false;
  return {
    take() {
      if (open < budget.ofOnePort && budget.take()) {
        open += 1;
        return true;
      }
      if (!told) warn(`published port ${port}: ${open} connections are relayed, and more are refused until some end`);
      told = true;
      return false;
    },
    giveBack() {
      open -= 1;
      budget.giveBack();
    },
  };
}

function serveTcp(fd: number, target: Peer, budget: Pick<RelayBudget, "take" | "giveBack"> | undefined): PortProxy {
  return new ConnectionServer({
    listen: { fd },
    allowHalfOpen: true,
    pauseOnConnect: true,
    ...keepAlive,
    operation: { "port proxy": `${target.address} ${target.port}` },
    onConnection: (client) => {
      if (budget?.take()) inBackground("passing a connection on", () => passOn(client, target).finally(() => budget.giveBack()));
      else client.resetAndDestroy();
    },
  });
}

async function passOn(client: Socket, { address: host, port }: Peer): Promise<void> {
  let container: Socket;
  try {
    container = await openConnection({ host, port, allowHalfOpen: true, ...keepAlive }, { timeoutMs: connectMilliseconds });
  } catch {
    // To the client it is as if nobody listened.
    client.resetAndDestroy();
    return;
  }
  client.resume();
  await joinConnections(client, container);
}

/** Failures of UDP show as silence: a client that is gone, a container that cannot be reached. */
function serveUdp(fd: number, family: 4 | 6, target: Peer): PortProxy {
  const clients = new Map<string, { back: DatagramSocket; timer: NodeJS.Timeout }>();
  const drop = (key: string): void => {
    const client = clients.get(key);
    clearTimeout(client?.timer);
    client?.back.close();
    clients.delete(key);
  };
  const backFor = (remote: Peer): DatagramSocket => {
    const key = `${remote.address} ${remote.port}`;
    const known = clients.get(key);
    if (known) {
      known.timer.refresh();
      return known.back;
    }
    const [oldest] = clients.keys();
    if (clients.size >= mostUdpClients && oldest !== undefined) drop(oldest);
    const timer = setTimeout(() => drop(key), udpIdleMilliseconds);
    timer.unref();
    const back = new DatagramSocket({
      family: familyOf(target.address),
      onMessage: (answer) => {
        timer.refresh();
        front.send(answer, remote);
      },
    }).unref();
    clients.set(key, { back, timer });
    return back;
  };
  const front = new DatagramSocket({ family, fd, onMessage: (message, remote) => backFor(remote).send(message, target) }).unref();
  return {
    close: () => {
      front.close();
      for (const key of clients.keys()) drop(key);
    },
  };
}
