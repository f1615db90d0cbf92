import { callAfter } from "@pouchcontainer/owners";
import { cancelled, deadlineExceeded } from "@pouchcontainer/errors";
import { once } from "node:events";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { GrpcFailure } from "./grpc-error.ts";
import { framedMessage, RequestMessage } from "./grpc-message.ts";
import { grpcTimeoutMs } from "./grpc-timeout.ts";
import { statusMessage } from "./status-message.ts";

const contentType = "application/grpc";
/** Of an answer that is an error at once: what a client has to know who compressed its request. */
const errorHead = { ":status": 200, "content-type": contentType, "grpc-accept-encoding": "identity" };
const ok = { "grpc-status": "0" };

/** The server's side of one call: its request, its answers, and its end. */
export class GrpcStream {
  /** Aborted when the client cancels or its deadline passes, when its connection breaks, and when the call has ended. */
  readonly signal: AbortSignal;
  readonly #stream: ServerHttp2Stream;
  readonly #limitBytes: number;
  readonly #over = new AbortController();

  constructor(stream: ServerHttp2Stream, limitBytes: number) {
    this.#stream = stream;
    this.#limitBytes = limitBytes;
    this.signal = this.#over.signal;
    stream.once("close", () => this.#over.abort(cancelled("the call was cancelled by its client, or has ended")));
  }

  /** From now on the call's deadline counts. */
  begin(headers: IncomingHttpHeaders): void {
    const timeout = headers["grpc-timeout"];
    const timeoutMs = grpcTimeoutMs(typeof timeout === "string" ? timeout : undefined);
    if (timeoutMs === undefined) return;
    const callOff = callAfter(timeoutMs, () => this.cancel(deadlineExceeded(`the call did not end within ${timeoutMs} ms`)));
    this.signal.addEventListener("abort", callOff, { once: true });
  }

  /** Tells the call's work that nobody waits for it. */
  cancel(reason: Error): void {
    this.#over.abort(reason);
  }

  /** The request's message. */
  async message(): Promise<Buffer> {
    const request = new RequestMessage(this.#limitBytes);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#stream
      .on("data", (chunk: Buffer) => settleFailure(() => request.push(chunk), reject))
      .once("end", () => settleFailure(() => resolve(request.end()), reject));
    const onAbort = (): void => reject(this.signal.reason);
    if (this.signal.aborted) onAbort();
    else this.signal.addEventListener("abort", onAbort, { once: true });
    return await promise;
  }

  /** Resolves when the client takes more; at once where it is gone. */
  async send(message: Uint8Array): Promise<void> {
    const framed = framedMessage(message, this.#limitBytes);
    if (!this.#head() || this.#stream.write(framed)) return;
    const drained = new AbortController();
    const waiting = { signal: drained.signal };
    await Promise.race([once(this.#stream, "drain", waiting), once(this.#stream, "close", waiting)]).catch(() => undefined);
    drained.abort();
  }

  /** The call has ended well, with a last message perhaps. */
  end(message?: Uint8Array): void {
    const framed = message && framedMessage(message, this.#limitBytes);
    if (!this.#head()) return;
    this.#trailers(ok);
    this.#stream.end(framed);
  }

  /** A request that nobody reads any more is broken off behind the answer. */
  fail({ code, message }: Pick<GrpcFailure, "code" | "message">): void {
    const status = { "grpc-status": String(code), "grpc-message": statusMessage(message) };
    if (!this.#isOpen) return;
    if (this.#stream.headersSent) {
      this.#trailers(status);
      this.#stream.end();
    } else this.#stream.respond({ ...errorHead, ...status }, { endStream: true });
    if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** In words of HTTP alone, to who does not speak gRPC. */
  refuse(httpStatus: number): void {
    if (!this.#isOpen) return;
    this.#stream.respond({ ":status": httpStatus }, { endStream: true });
    this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** Whether there is somebody to answer. */
  get #isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #head(): boolean {
    if (!this.#isOpen) return false;
    if (!this.#stream.headersSent)
      this.#stream.respond({ ":status": 200, "content-type": contentType }, { waitForTrailers: true });
    return true;
  }

  #trailers(trailers: Record<string, string>): void {
    this.#stream.once("wantTrailers", () => this.#stream.sendTrailers(trailers));
  }
}

function settleFailure(work: () => void, reject: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    reject(error);
  }
}
