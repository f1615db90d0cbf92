import type { JsonMessage } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import type { ServerResponse } from "node:http";
import type { ProgressSink } from "./backend.ts";

/**
 * Runs work that tells its progress, and sends that as Docker's stream of JSON lines. A failure before the first line is an
 * ordinary error answer, unless `failure` says that it is a line in any case; after it, it is the last line (`errorDetail`). Work whose
 * lines are without number waits for `hasRoom`, which a client that has gone away has as well.
 */
export async function streamProgress(
  response: ServerResponse,
  run: (progress: ProgressSink, hasRoom: () => Promise<void>) => Promise<void>,
  failure: "answer" | "line" = "answer",
): Promise<void> {
  const lines = new ProgressLines(response);
  try {
    await run(
      (line) => lines.send(line),
      () => lines.hasRoom(),
    );
  } catch (thrown) {
    if (!response.headersSent && failure === "answer") throw thrown;
    const { message, details } = EngineError.from(thrown);
    const { code } = details;
    lines.send({ errorDetail: { ...(typeof code === "number" && { code }), message }, error: message });
  }
  lines.end();
}

/** Sends lines; while the client is slow, newer progress of a layer replaces the older that it has not read. */
class ProgressLines {
  readonly #response: ServerResponse;
  readonly #waiting = new Map<unknown, JsonMessage>();

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  send(line: JsonMessage): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/json" });
    if (!response.writableNeedDrain) {
      this.#write(line);
      return;
    }
    if (this.#waiting.size === 0) response.once("drain", () => this.#flush());
    // Lines without an id, and changes of status, are all of them news.
    const key = line.id !== undefined && line.progressDetail?.total !== undefined ? `${line.id} ${line.status}` : Symbol("line");
    this.#waiting.set(key, line);
  }

  async hasRoom(): Promise<void> {
    const response = this.#response;
    if (response.destroyed || !response.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once("drain", resolve);
    response.once("close", resolve);
    await promise;
    response.off("drain", resolve);
    response.off("close", resolve);
  }

  end(): void {
    this.#flush();
    if (!this.#response.headersSent) this.#response.writeHead(200, { "Content-Type": "application/json" });
    this.#response.end();
  }

  #flush(): void {
    for (const line of this.#waiting.values()) this.#write(line);
    this.#waiting.clear();
  }

  #write(line: JsonMessage): void {
    this.#response.write(`${JSON.stringify(line)}\r\n`);
  }
}
