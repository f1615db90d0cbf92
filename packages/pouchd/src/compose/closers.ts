import { messageChain } from "@pouchcontainer/errors";
import type { Log } from "../log/log.ts";

/** What was opened, closed in reverse; one failure does not keep the others open. */
export class Closers {
  readonly #log: Log;
  readonly #steps: { name: string; close: () => void | Promise<void> }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  push(name: string, close: () => void | Promise<void>): void {
    this.#steps.push({ name, close });
  }

  async close(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        this.#log.error(`closing ${step.name} failed: ${messageChain(error)}`, { error });
      }
    }
  }
}
