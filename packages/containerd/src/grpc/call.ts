import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { constants } from "node:http2";
import { EngineError, cancelled, deadlineExceeded, internal } from "@pouchcontainer/errors";
import { FrameReader } from "./frames.ts";
import { connectionLost, errorOfReset, errorOfStatus } from "./status.ts";

export interface CallRequest {
  /** `/package.Service/Method`. */
  path: string;
  headers: OutgoingHttpHeaders;
  timeoutMs: number | undefined;
  signal: AbortSignal | undefined;
  maxMessageBytes: number;
  address: string;
}

export interface CallEvents {
  message(bytes: Uint8Array): void;
  /** Called exactly once; `undefined` means the server said OK. */
  done(error: EngineError | undefined): void;
}

/**
 * Runs one gRPC call on an HTTP/2 stream and says once how it ended: the server's status if there was one, else the deadline,
 * the abort, or what broke the stream.
 */
export function startCall(session: ClientHttp2Session, request: CallRequest, events: CallEvents): ClientHttp2Stream {
  const stream = session.request(headersOf(request), { endStream: false });
  const reader = new FrameReader(request.maxMessageBytes);
  let status: IncomingHttpHeaders | undefined;
  let failure: EngineError | undefined;
  let cause: Error | undefined;
  let ended = false;
  let settled = false;
  let timer: NodeJS.Timeout | undefined;

  const settle = (error: EngineError | undefined) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    request.signal?.removeEventListener("abort", onAbort);
    events.done(error);
  };
  const fail = (error: EngineError) => {
    if (settled) return;
    failure ??= error;
    stream.close(constants.NGHTTP2_CANCEL);
    settle(failure);
  };
  const onAbort = () => fail(abortError(request.signal, request.path));
  const finish = (final: IncomingHttpHeaders) => settle(failure ?? finalError(final, reader, request.path));

  stream.on("response", (headers) => {
    if (headers["grpc-status"] !== undefined) status = headers;
    const http = headers[":status"];
    if (http !== 200 && status === undefined)
      fail(internal(`${request.address} answered with HTTP status ${http}: it is not containerd`));
  });
  stream.on("trailers", (headers: IncomingHttpHeaders) => {
    status = headers;
    // What came before the trailers is already read, unless a slow reader holds it: then the end is the end.
    if (ended || stream.readableLength === 0) finish(headers);
  });
  stream.on("data", (chunk: Buffer) => {
    if (settled) return;
    try {
      for (const message of reader.push(chunk)) events.message(message);
    } catch (error) {
      fail(EngineError.from(error));
    }
  });
  stream.on("end", () => {
    ended = true;
    if (status !== undefined) finish(status);
  });
  stream.on("error", (error) => (cause = error));
  stream.on("close", () => {
    if (settled) return;
    if (status !== undefined) return finish(status);
    const broken = session.destroyed || session.closed;
    if (cause instanceof EngineError) settle(cause);
    else settle(broken ? connectionLost(request.address, cause) : errorOfReset(stream.rstCode ?? 0, cause, request.address));
  });

  if (request.timeoutMs !== undefined) {
    timer = setTimeout(() => fail(tooLate(request)), request.timeoutMs);
  }
  if (request.signal?.aborted === true) onAbort();
  else request.signal?.addEventListener("abort", onAbort, { once: true });
  return stream;
}

export function tooLate({ path, timeoutMs }: Pick<CallRequest, "path" | "timeoutMs">): EngineError {
  return deadlineExceeded(`containerd did not answer ${path} within ${timeoutMs} ms`);
}

/** A cancelled call names the caller's reason where there is one. */
export function abortError(signal: AbortSignal | undefined, path: string): EngineError {
  const reason: unknown = signal?.reason;
  if (reason instanceof EngineError) return reason;
  if (reason instanceof Error && reason.name === "TimeoutError") {
    return deadlineExceeded(`containerd did not answer ${path} in time`, { cause: reason });
  }
  return cancelled(`the call ${path} was cancelled`, { cause: reason });
}

function finalError(status: IncomingHttpHeaders, reader: FrameReader, path: string): EngineError | undefined {
  const error = errorOfStatus(status, path);
  if (error === undefined && !reader.complete)
    return internal(`containerd ended its answer to ${path} in the middle of a message`);
  return error;
}

function headersOf(request: CallRequest): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": request.path,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "pouchcontainer",
    ...request.headers,
  };
  if (request.timeoutMs !== undefined) headers["grpc-timeout"] = grpcTimeout(request.timeoutMs);
  return headers;
}

/** At most eight digits and a unit. */
export function grpcTimeout(timeoutMs: number): string {
  const milliseconds = Math.max(1, Math.ceil(timeoutMs));
  return milliseconds < 1e8 ? `${milliseconds}m` : `${Math.min(Math.ceil(milliseconds / 1000), 99_999_999)}S`;
}
