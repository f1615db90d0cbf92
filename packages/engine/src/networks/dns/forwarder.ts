import { askOverTcp, askOverUdp, type QuerySockets } from "./ask-server.ts";
import { codeOf, responseCode } from "./dns-message.ts";
import { parseNameServer, type NameServer } from "./name-server.ts";
import type { PendingQueries } from "./pending-queries.ts";

/** How long one server may take before the next one is asked, as Docker has it. */
const serverTimeoutMilliseconds = 4_000;
/** Docker asks no more; a query must end before its client has given up. */
const maximumServers = 3;

export interface ForwarderOptions {
  servers: string[];
  sockets: QuerySockets;
  pending: PendingQueries;
  timeoutMilliseconds?: number;
}

/** Passes queries on, unchanged, to the servers in their order; each gets its time, the first good answer counts. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #servers: NameServer[];

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#servers = options.servers
      .map(parseNameServer)
      .filter((server) => server !== undefined)
      .slice(0, maximumServers);
  }

  /**
   * The raw answer; undefined when no server gave one, or the query was given up. Never rejects. `owner` is who asks: what
   * it waits for ends with `PendingQueries.giveUp`.
   */
  async forward(query: Buffer, transport: "udp" | "tcp", owner: object): Promise<Buffer | undefined> {
    using waiting = this.#options.pending.open(owner);
    let last: Buffer | undefined;
    for (const server of this.#servers) {
      const answer = await this.#ask(server, query, transport, waiting.signal);
      if (waiting.signal.aborted) return undefined;
      if (answer && !isFailure(answer)) return answer;
      last = answer ?? last;
    }
    return last;
  }

  async #ask(server: NameServer, query: Buffer, transport: "udp" | "tcp", signal: AbortSignal): Promise<Buffer | undefined> {
    using attempt = new Attempt(signal, this.#options.timeoutMilliseconds ?? serverTimeoutMilliseconds);
    const ask = transport === "udp" ? askOverUdp : askOverTcp;
    try {
      return await ask(this.#options.sockets, server, query, attempt.signal);
    } catch {
      return undefined; // No route, nobody there, silence, our own end: for who asks they are one.
    }
  }
}

/** Aborts with its parent or when the time is over; lets go of both when disposed. */
class Attempt implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = () => this.#controller.abort();

  constructor(parent: AbortSignal, milliseconds: number) {
    this.#parent = parent;
    this.#timer = setTimeout(this.#abort, milliseconds);
    if (parent.aborted) this.#abort();
    else parent.addEventListener("abort", this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener("abort", this.#abort);
  }
}

/** A server that failed itself, or will not answer us, is worth a second opinion. */
function isFailure(answer: Buffer): boolean {
  return codeOf(answer) === responseCode.serverFailure || codeOf(answer) === responseCode.refused;
}
