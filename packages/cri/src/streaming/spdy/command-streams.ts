import { deadlineExceeded } from "@pouchcontainer/errors";
import type { WantedStreams } from "../backend.ts";
import type { CommandStreams } from "../command-streams.ts";
import type { SpdyStream } from "./spdy-stream.ts";

/** Versions of the protocol over SPDY, the best one first. */
export const commandProtocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"] as const;

const kinds = ["error", "stdin", "stdout", "stderr", "resize"] as const;
type Kind = (typeof kinds)[number];

/** Gathers the streams of an exec or attach, which the client makes one by one and names by the header `streamType`. */
export class SpdyCommandStreams {
  readonly #protocol: string;
  readonly #wanted: WantedStreams;
  readonly #made = new Map<Kind, SpdyStream>();
  readonly #complete = Promise.withResolvers<CommandStreams>();

  constructor(protocol: string, wanted: WantedStreams) {
    this.#protocol = protocol;
    this.#wanted = wanted;
    // Whoever waits hears of it; nobody may.
    this.#complete.promise.catch(() => undefined);
  }

  /** False for a stream that is none of these, or the second of its kind. */
  add(stream: SpdyStream): boolean {
    const kind = kinds.find((kind) => kind === stream.headers.get("streamtype"));
    if (kind === undefined || this.#made.has(kind)) return false;
    this.#made.set(kind, stream);
    // What a client sends where nobody reads must not hold up the others.
    if (kind !== "stdin" && kind !== "resize") stream.resume();
    if (this.#expected().every((kind) => this.#made.has(kind))) this.#complete.resolve(this.#gather());
    return true;
  }

  /** Resolves when the client has made all streams; rejects with `deadlineExceeded`, or when the signal is aborted. */
  async complete(timeoutMs: number, signal: AbortSignal): Promise<CommandStreams> {
    const late = deadlineExceeded(`the client made no streams within ${timeoutMs} ms`);
    const timer = setTimeout(() => this.#complete.reject(late), timeoutMs).unref();
    const onAbort = (): void => this.#complete.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#complete.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #expected(): Kind[] {
    const { stdin, stdout, stderr, tty } = this.#wanted;
    const resizes = tty && ["v4.channel.k8s.io", "v3.channel.k8s.io"].includes(this.#protocol);
    const wanted = { error: true, stdin, stdout, stderr, resize: resizes };
    return kinds.filter((kind) => wanted[kind]);
  }

  #gather(): CommandStreams {
    const streams = Object.fromEntries(this.#expected().map((kind) => [kind, this.#made.get(kind)]));
    // Clients of the first version wait for the end of our side before they use the stream.
    if (this.#protocol === "channel.k8s.io") this.#made.get("stdin")?.end();
    // `error` is always expected, so it is among the streams.
    return { ...(streams as unknown as CommandStreams), statusFormat: this.#protocol.startsWith("v4.") ? "json" : "text" };
  }
}
