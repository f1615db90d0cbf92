import { DatagramSocket, inBackground, type Peer } from "@pouchcontainer/owners";
import { answerQuery, type NameSource } from "./answer-query.ts";
import { parseQuery, recordType, response, responseCode, type DnsQuery } from "./dns-message.ts";
import type { Forwarder } from "./forwarder.ts";
import type { PendingQueries } from "./pending-queries.ts";
import { TcpClients } from "./tcp-clients.ts";

export interface DnsServerOptions {
  names: NameSource;
  /** Absent where nothing may be asked outside (internal networks). */
  forwarder?: Forwarder | undefined;
  /** Names without a dot are none of the outside's: the container asks again with its search domains. */
  dottedOnly?: boolean;
}

export interface DnsServerDeps {
  /** A bound UDP socket and a listening TCP one, as descriptors; the server takes them over. */
  sockets: { udp: number; tcp: number };
  pending: PendingQueries;
}

/** Answers one container's queries on sockets that somebody bound for it. */
export class DnsServer {
  readonly #deps: DnsServerDeps;
  #options: DnsServerOptions;
  readonly #udp: DatagramSocket;
  readonly #tcp: TcpClients;
  #turn = 0;

  constructor(deps: DnsServerDeps, options: DnsServerOptions) {
    this.#deps = deps;
    this.#options = options;
    const onMessage = (query: Buffer, from: Peer) => inBackground("answering a name query", () => this.#serveUdp(query, from));
    this.#udp = new DatagramSocket({ family: 4, fd: deps.sockets.udp, onMessage }).unref();
    this.#tcp = new TcpClients(deps.sockets.tcp, { answer: (query) => this.#answer(query, "tcp") });
  }

  /** Other names or servers from now on, after a connect or disconnect. */
  reconfigure(options: DnsServerOptions): void {
    this.#options = options;
  }

  /** Queries that wait for an answer are given up. */
  close(): void {
    this.#deps.pending.giveUp(this);
    this.#udp.close();
    this.#tcp.close();
  }

  async #serveUdp(query: Buffer, from: Peer): Promise<void> {
    const answer = await this.#answer(query, "udp");
    // A sender that is forged, with port 0 for instance, is nobody's to send to: the socket has it and says nothing.
    if (answer) this.#udp.send(answer, from);
  }

  /** Undefined for what gets no answer. */
  async #answer(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    return query && "refusal" in query ? query.refusal : query && this.#resolve(query, message, transport);
  }

  async #resolve(query: DnsQuery, message: Buffer, transport: "udp" | "tcp"): Promise<Buffer> {
    const { names, forwarder, dottedOnly = false } = this.#options;
    const limit = transport === "udp" ? query.udpBytes : Infinity;
    const own = answerQuery(query, names, this.#turn++) ?? (dottedOnly && isPlainAddressQuery(query) ? [] : undefined);
    if (own) return response(query, responseCode.noError, own, limit);
    const forwarded = await forwarder?.forward(message, transport, this);
    return forwarded ?? response(query, responseCode.serverFailure, [], limit);
  }
}

function isPlainAddressQuery({ name, type }: DnsQuery): boolean {
  return name !== undefined && !name.includes(".") && (type === recordType.a || type === recordType.aaaa);
}
