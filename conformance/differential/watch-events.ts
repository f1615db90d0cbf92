import http from "node:http";
import { eventually } from "../../integration/harness/daemon.ts";

/** Reads an engine's events as they happen. */
export class EventWatch {
  readonly #request: http.ClientRequest;
  #text = "";

  static start(socketPath: string): Promise<EventWatch> {
    return new Promise((resolve, reject) => {
      const request = http.get({ socketPath, agent: false, path: "/v1.41/events" });
      const watch = new EventWatch(request);
      request.once("error", reject);
      request.once("response", (response) => {
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (watch.#text += chunk));
        // The stream has no end but the one `stop` makes.
        response.once("error", () => undefined);
        resolve(watch);
      });
    });
  }

  private constructor(request: http.ClientRequest) {
    this.#request = request;
  }

  /** All events up to the creation of this volume. */
  async untilVolume(name: string): Promise<unknown[]> {
    await eventually(`the creation of ${name} is heard`, () => this.#text.includes(`"create","Actor":{"ID":"${name}"`));
    const lines = this.#text.split("\n").filter((line) => line !== "");
    return lines.map((line): unknown => JSON.parse(line));
  }

  stop(): void {
    this.#request.destroy();
  }
}
