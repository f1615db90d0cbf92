import { ConnectionServer, inBackground, takeLoopShare } from "@pouchcontainer/owners";
import type { Socket } from "node:net";
import { framed, unframed } from "./framed-messages.ts";

/** A container has no reason for more; those above are hung up on. */
const maximumClients = 64;
/** No query is longer; who announces one is hung up on. */
const maximumQueryBytes = 4_096;
/** For a query to arrive, be answered, and be read: longer than all servers together may take. */
const patienceMilliseconds = 15_000;

export interface TcpClientsOptions {
  /** The answer, undefined for none; never rejects. */
  answer: (query: Buffer) => Promise<Buffer | undefined>;
  patienceMilliseconds?: number;
}

/**
 * Clients over TCP, each served one query at a time: who sends faster than it reads waits, and holds at most one query and
 * one answer of ours.
 */
export class TcpClients {
  readonly #options: TcpClientsOptions;
  readonly #server: ConnectionServer;
  #clients = 0;

  /** Takes over the descriptor of a listening socket. */
  constructor(fd: number, options: TcpClientsOptions) {
    this.#options = options;
    const operation = { server: "names over TCP" };
    const onConnection = (client: Socket) => inBackground("answering name queries", () => this.#serve(client));
    this.#server = new ConnectionServer({ listen: { fd }, allowHalfOpen: true, operation, onConnection });
  }

  close(): void {
    this.#server.close();
  }

  async #serve(client: Socket): Promise<void> {
    const patience = setTimeout(() => client.destroy(), this.#options.patienceMilliseconds ?? patienceMilliseconds);
    this.#clients++;
    client.once("close", () => {
      clearTimeout(patience);
      this.#clients--;
    });
    if (this.#clients > maximumClients) client.destroy();
    try {
      for await (const query of unframed(client, maximumQueryBytes)) {
        // A name that is known is answered at once: clients that never pause would be all that is served.
        await takeLoopShare();
        const answer = await this.#options.answer(query);
        if (answer) await written(client, framed(answer));
        patience.refresh();
      }
      client.end();
    } catch (error) {
      // Gone, or hung up on; everything else is a fault of ours.
      if (client.destroyed) return;
      client.destroy();
      throw error;
    }
  }
}

/** Resolves when the client's kernel has the bytes, so that no more than one answer waits for a slow one. */
function written(client: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
