import { StringDecoder } from "node:string_decoder";
import { endOfLines, markedLine } from "./shared-process.ts";

/** Characters of a line without an end that are held back. */
const mostHeld = 64 * 1024;

/** One of the outputs of a plugin in a process that it shares: what is written goes out in whole lines, each with the plugin's mark. */
export class MarkedOutput {
  readonly #key: string;
  readonly #send: (text: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #held = "";

  constructor(key: string, send: (text: string) => void) {
    this.#key = key;
    this.#send = send;
  }

  write(chunk: string | Uint8Array): void {
    this.#held += typeof chunk === "string" ? chunk : this.#decoder.write(chunk);
    const lines = this.#held.split("\n");
    this.#held = lines.pop() ?? "";
    if (this.#held.length > mostHeld) lines.push(this.#takeHeld());
    if (lines.length > 0) this.#send(lines.map((line) => markedLine(this.#key, line)).join(""));
  }

  /** Sends a last line that has no end. */
  flush(): void {
    const last = this.#takeHeld();
    if (last !== "") this.#send(markedLine(this.#key, last));
  }

  /** Says that this was all. */
  end(): void {
    this.flush();
    this.#send(endOfLines(this.#key));
  }

  #takeHeld(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** From now on what is written to a stream goes where `outputNow` says; where it says nothing, on as ever. */
export function divertOutput(stream: NodeJS.WriteStream, outputNow: () => MarkedOutput | undefined): (text: string) => void {
  const write = stream.write.bind(stream);
  type Written = [chunk: string | Uint8Array, encodingOrDone?: BufferEncoding | Done, done?: Done];
  type Done = (error?: Error | null) => void;
  const diverted = (...[chunk, encodingOrDone, done]: Written): boolean => {
    const output = outputNow();
    // It is called as it was, with the arguments it was called with.
    if (output === undefined) return Reflect.apply(write, stream, [chunk, encodingOrDone, done]) as boolean;
    const isText = typeof chunk === "string" && (typeof encodingOrDone !== "string" || /^utf-?8$/i.test(encodingOrDone));
    output.write(isText || typeof chunk !== "string" ? chunk : Buffer.from(chunk, encodingOrDone as BufferEncoding));
    const told = typeof encodingOrDone === "function" ? encodingOrDone : done;
    if (told !== undefined) process.nextTick(told);
    return true;
  };
  stream.write = diverted;
  return (text) => {
    write(text);
  };
}
