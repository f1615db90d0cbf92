import type { Duplex } from "node:stream";
import type { AttachRequest, CommandSession, ExecRequest, PortRequest, StreamingBackend } from "../backend.ts";

type Run = (session: CommandSession) => Promise<void>;

/** Runs what a test gives it in the place of commands and connections, and knows what goes on. */
export class FakeBackend implements StreamingBackend {
  readonly asked: (ExecRequest | AttachRequest | PortRequest)[] = [];
  running = 0;
  run: Run = async () => undefined;
  forward: (connection: Duplex, request: PortRequest, signal: AbortSignal) => Promise<void> = async () => undefined;

  exec(request: ExecRequest, session: CommandSession): Promise<void> {
    return this.#during(request, () => this.run(session));
  }

  attach(request: AttachRequest, session: CommandSession): Promise<void> {
    return this.#during(request, () => this.run(session));
  }

  portForward(request: PortRequest, connection: Duplex, signal: AbortSignal): Promise<void> {
    return this.#during(request, () => this.forward(connection, request, signal));
  }

  async #during(request: ExecRequest | AttachRequest | PortRequest, work: () => Promise<void>): Promise<void> {
    this.asked.push(request);
    this.running++;
    try {
      await work();
    } finally {
      this.running--;
    }
  }
}
