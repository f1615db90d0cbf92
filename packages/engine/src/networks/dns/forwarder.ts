import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect } from "node:net";
import { familyOf } from "../ipam/cidr.ts";

/** How long one server may take before the next one is asked, as Docker has it. */
const serverTimeoutMilliseconds = 4_000;
/** Queries of one container that may wait for an answer at the same time. */
const maximumPending = 1_024;

export interface ForwarderOptions {
  servers: string[];
  /** A UDP socket in the namespace the servers are reached from. */
  udpSocket: (family: 4 | 6) => UdpSocket;
  timeoutMilliseconds?: number;
}

/** Passes queries on, unchanged, to the servers in their order; each gets its time, the first answer counts. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #pending = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** The raw answer; undefined when no server gave one, or too many queries are waiting. */
  async forward(query: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    if (this.#pending >= maximumPending) return undefined;
    this.#pending++;
    try {
      for (const server of this.#options.servers) {
        const answer = transport === "udp" ? await this.#askUdp(server, query) : await this.#askTcp(server, query);
        // A server that failed itself is worth a second opinion.
        if (answer && !isServerFailure(answer)) return answer;
      }
      return undefined;
    } finally {
      this.#pending--;
    }
  }

  /** A socket of its own per query: an answer can only be forged by who guesses port and id. */
  #askUdp(server: string, query: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const { address, port } = splitServer(server);
      const socket = this.#options.udpSocket(familyOf(address));
      let settled = false;
      const settle = (answer: Buffer | undefined) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      const timer = setTimeout(settle, this.#timeout, undefined);
      socket.on("message", (message) => {
        if (message.length >= 12 && message.readUInt16BE(0) === query.readUInt16BE(0)) settle(message);
      });
      socket.on("error", () => settle(undefined));
      // A connected socket hears of a port nobody serves at once, and nothing from anybody else.
      socket.connect(port, address, () => {
        if (!settled) socket.send(query);
      });
    });
  }

  #askTcp(server: string, query: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const { address, port } = splitServer(server);
      const socket = connect({ host: address, port });
      let received = Buffer.alloc(0);
      const settle = (answer: Buffer | undefined) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(settle, this.#timeout, undefined);
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        const length = received.length < 2 ? undefined : received.readUInt16BE(0);
        if (length !== undefined && received.length >= length + 2) settle(received.subarray(2, length + 2));
      });
      socket.on("error", () => settle(undefined));
      socket.once("close", () => settle(undefined));
      socket.write(withLength(query));
    });
  }

  get #timeout(): number {
    return this.#options.timeoutMilliseconds ?? serverTimeoutMilliseconds;
  }
}

/** DNS over TCP puts the length before every message (RFC 1035, 4.2.2). */
export function withLength(message: Buffer): Buffer {
  const framed = Buffer.alloc(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Default factory: sockets of the host's namespace. */
export function hostUdpSocket(family: 4 | 6): UdpSocket {
  return createSocket(family === 4 ? "udp4" : "udp6");
}

function isServerFailure(answer: Buffer): boolean {
  const code = (answer[3] ?? 0) & 0x0f;
  return code === 2 || code === 5;
}

/** `9.9.9.9`, `9.9.9.9:5353`, `[::1]:5353`. */
function splitServer(server: string): { address: string; port: number } {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[\d.]+)):(?<port>\d+)$/.exec(server);
  const address = match?.groups?.["v6"] ?? match?.groups?.["v4"];
  return address === undefined ? { address: server, port: 53 } : { address, port: Number(match?.groups?.["port"]) };
}
