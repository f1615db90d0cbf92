import { deadlineExceeded } from "@pouchcontainer/errors";
import type { PortStreams } from "../serve-port.ts";
import type { SpdyStream } from "./spdy-stream.ts";

export const portForwardProtocol = "portforward.k8s.io";

interface Half {
  data?: SpdyStream;
  error?: SpdyStream;
  timer: NodeJS.Timeout;
}

/**
 * Joins the streams of a port-forward: each connection has one for data and one for a message, which name the same port and request
 * in their headers. One whose other does not come in time is reset.
 */
export class SpdyPortPairs {
  readonly #timeoutMs: number;
  readonly #onPair: (pair: PortStreams) => void;
  readonly #halves = new Map<string, Half>();

  constructor(timeoutMs: number, onPair: (pair: PortStreams) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onPair = onPair;
  }

  /** False for a stream that says neither its kind nor its port, or is the second of its kind. */
  add(stream: SpdyStream): boolean {
    const kind = stream.headers.get("streamtype");
    const port = portOf(stream.headers.get("port"));
    if (port === undefined || (kind !== "data" && kind !== "error")) return false;
    // Old clients make the stream for messages first and give no number.
    const request = stream.headers.get("requestid") ?? String(kind === "error" ? stream.id : stream.id - 2);
    const half = this.#halves.get(request) ?? this.#begin(request);
    if (half[kind] !== undefined) return false;
    half[kind] = stream;
    if (kind === "error") stream.resume();
    if (half.data !== undefined && half.error !== undefined) {
      this.#forget(request, half);
      this.#onPair({ port, data: half.data, error: half.error });
    }
    return true;
  }

  close(): void {
    for (const [request, half] of this.#halves) this.#forget(request, half);
  }

  #begin(request: string): Half {
    const timer = setTimeout(() => {
      this.#forget(request, half);
      const late = deadlineExceeded(`the client made one of two streams within ${this.#timeoutMs} ms`);
      half.error?.end(late.message);
      half.data?.destroy(late);
    }, this.#timeoutMs).unref();
    const half: Half = { timer };
    this.#halves.set(request, half);
    return half;
  }

  #forget(request: string, half: Half): void {
    clearTimeout(half.timer);
    this.#halves.delete(request);
  }
}

function portOf(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}
