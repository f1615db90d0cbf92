import type { JsonMessage } from "@pouchcontainer/api";
import { inBackground } from "@pouchcontainer/owners";
import { StringDecoder } from "node:string_decoder";
import type { BuildSink } from "./build-deps.ts";

/** Of a quiet build that fails the last lines are told, so many characters of them. */
const keptLength = 1 << 20;

/** A build's output in dockerd's words and order. A quiet one keeps it, and tells it only of a failure. */
export class BuildOutput {
  readonly #sink: BuildSink;
  readonly #quiet: boolean;
  #kept: JsonMessage[] = [];
  #keptLength = 0;

  constructor(sink: BuildSink, quiet: boolean) {
    this.#sink = sink;
    this.#quiet = quiet;
  }

  async say(text: string): Promise<void> {
    await this.tell({ stream: text });
  }

  /** In red, as dockerd has it. */
  async warn(text: string): Promise<void> {
    await this.say(`\u001B[91m${text}\u001B[0m`);
  }

  /** Any line; resolves when the client has room for more. */
  async tell(line: JsonMessage): Promise<void> {
    if (!this.#quiet) {
      await this.#sink(line);
      return;
    }
    this.#kept.push(line);
    this.#keptLength += JSON.stringify(line).length;
    while (this.#keptLength > keptLength) this.#keptLength -= JSON.stringify(this.#kept.shift()).length;
  }

  /** A line that is worth something only while it is news: nobody waits until the client has read it. */
  progress(line: JsonMessage): void {
    inBackground("telling the progress of a build", () => this.tell(line));
  }

  /** The id, which is all that a quiet build says. */
  async result(id: string): Promise<void> {
    if (this.#quiet) await this.#sink({ stream: `${id}\n` });
  }

  async failed(): Promise<void> {
    for (const line of this.#kept) await this.#sink(line);
  }

  /** What a command writes; standard error is red, as dockerd has it. */
  command(): (chunk: { stream: "stdout" | "stderr"; data: Uint8Array }) => Promise<void> {
    const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
    return async ({ stream, data }) => {
      const text = decoders[stream].write(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      if (text !== "") await (stream === "stderr" ? this.warn(text) : this.say(text));
    };
  }
}
