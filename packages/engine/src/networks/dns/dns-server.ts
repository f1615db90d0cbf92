import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { Server, type Socket } from "node:net";
import packet from "dns-packet";
import { answerQuery, failure, type NameSource } from "./answer-query.ts";
import { withLength, type Forwarder } from "./forwarder.ts";

const serverFailure = 2;
/** What a client without EDNS takes in one datagram (RFC 1035, 4.2.1). */
const plainUdpBytes = 512;
/** A TCP client that says nothing for this long is let go. */
const tcpIdleMilliseconds = 30_000;

export interface DnsServerOptions {
  names: NameSource;
  /** Absent where nothing may be asked outside (internal networks). */
  forwarder?: Forwarder | undefined;
}

/** Answers one container's queries on sockets that somebody bound for it. */
export class DnsServer {
  #options: DnsServerOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #clients = new Set<Socket>();
  #turn = 0;

  /** `sockets` are descriptors: a bound UDP socket and a listening TCP one. */
  constructor(sockets: { udp: number; tcp: number }, options: DnsServerOptions) {
    this.#options = options;
    this.#udp = createSocket("udp4");
    this.#udp.on("message", (query, from) => void this.#serveUdp(query, from));
    this.#udp.on("error", () => undefined); // A client that is gone already.
    this.#udp.bind({ fd: sockets.udp });
    this.#udp.unref();
    this.#tcp = new Server((client) => this.#serveTcp(client));
    this.#tcp.on("error", () => undefined);
    this.#tcp.listen({ fd: sockets.tcp });
    this.#tcp.unref();
  }

  /** Other names or servers from now on, after a connect or disconnect. */
  reconfigure(options: DnsServerOptions): void {
    this.#options = options;
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const client of this.#clients) client.destroy();
  }

  async #serveUdp(query: Buffer, from: RemoteInfo): Promise<void> {
    const answer = await this.#answer(query, "udp");
    if (answer) this.#udp.send(answer, from.port, from.address, () => undefined);
  }

  #serveTcp(client: Socket): void {
    this.#clients.add(client);
    client.once("close", () => this.#clients.delete(client));
    client.on("error", () => client.destroy());
    client.setTimeout(tcpIdleMilliseconds, () => client.destroy());
    let received = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
        const length = received.readUInt16BE(0);
        const query = Buffer.from(received.subarray(2, length + 2));
        received = received.subarray(length + 2);
        void this.#answer(query, "tcp").then((answer) => {
          if (answer && client.writable) client.write(withLength(answer));
        });
      }
    });
  }

  async #answer(query: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    let decoded: packet.DecodedPacket;
    try {
      decoded = packet.decode(query);
    } catch {
      return undefined; // Not DNS; silence, as every server answers noise.
    }
    if (decoded.type !== "query") return undefined;
    const own = answerQuery(decoded, this.#options.names, this.#turn++);
    if (own) return encode(own, transport === "udp" ? udpLimit(decoded) : Infinity);
    const forwarded = await this.#options.forwarder?.forward(query, transport);
    return forwarded ?? packet.encode(failure(decoded, serverFailure));
  }
}

/** An answer too long for its datagram is cut to none, with the flag that makes clients ask again over TCP. */
function encode(answer: packet.Packet, limit: number): Buffer {
  const encoded = packet.encode(answer);
  if (encoded.length <= limit) return encoded;
  return packet.encode({ ...answer, answers: [], flags: (answer.flags ?? 0) | packet.TRUNCATED_RESPONSE });
}

function udpLimit(query: packet.DecodedPacket): number {
  const edns = query.additionals?.find((record) => record.type === "OPT");
  return Math.max(plainUdpBytes, edns?.type === "OPT" ? (edns.udpPayloadSize ?? 0) : 0);
}
