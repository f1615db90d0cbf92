import { constants } from "node:http2";
import type { IncomingHttpHeaders } from "node:http2";
import { deadlineExceeded, EngineError, GrpcCode, internal, kindOfGrpcCode, unavailable } from "@pouchcontainer/errors";

/** The call's own deadline, as it comes back from a shim: containerd gives it no code. Which of the two is noticed first is chance. */
const passedOnDeadline = /^context deadline exceeded(?:: unknown)?$/;

/** `undefined` for OK, the error a status stands for otherwise; the server's own words are the message. */
export function errorOfStatus(headers: IncomingHttpHeaders, path: string): EngineError | undefined {
  const code = Number(headers["grpc-status"]);
  if (code === GrpcCode.ok) return undefined;
  const raw = headers["grpc-message"];
  const message = decodeGrpcMessage(typeof raw === "string" ? raw : "");
  if (code === GrpcCode.unknown && passedOnDeadline.test(message))
    return deadlineExceeded(`containerd did not answer ${path} in time: ${message}`, { details: { grpcCode: code, call: path } });
  const kind = Number.isInteger(code) ? kindOfGrpcCode(code) : "internal";
  return new EngineError(kind, message === "" ? `containerd answered ${path} with gRPC status ${code}` : message, {
    details: { grpcCode: code, call: path },
  });
}

/** `grpc-message` is percent-encoded UTF-8; bytes that do not decode stay as they are. */
export function decodeGrpcMessage(raw: string): string {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}

/** What a stream that ended without a gRPC status means for the caller. */
export function errorOfReset(rstCode: number, cause: Error | undefined, address: string): EngineError {
  const options = cause === undefined ? {} : { cause };
  switch (rstCode) {
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return new EngineError("resourceExhausted", `containerd at ${address} refused the call: too much load`, options);
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return new EngineError("forbidden", `containerd at ${address} refused the call`, options);
    case constants.NGHTTP2_PROTOCOL_ERROR:
    case constants.NGHTTP2_FRAME_SIZE_ERROR:
    case constants.NGHTTP2_COMPRESSION_ERROR:
    case constants.NGHTTP2_FLOW_CONTROL_ERROR:
      return internal(`the HTTP/2 stream to ${address} broke (code ${rstCode})`, options);
    default:
      return connectionLost(address, cause);
  }
}

export function connectionLost(address: string, cause?: unknown): EngineError {
  return outage(address, `the connection to containerd at ${address} was lost`, cause);
}

export function cannotConnect(address: string, cause: Error): EngineError {
  return outage(address, `cannot reach containerd at ${address}: is it running?`, cause);
}

export function doesNotAnswer(address: string, cause?: unknown): EngineError {
  return outage(address, `containerd at ${address} does not answer: it hangs or is stopped`, cause);
}

export function clientClosed(address: string): EngineError {
  return outage(address, `the client of containerd at ${address} is closed`);
}

function outage(address: string, message: string, cause?: unknown): EngineError {
  return unavailable(message, { details: { outage: address }, ...(cause === undefined ? {} : { cause }) });
}

/**
 * Whether something failed since containerd was not there: it says nothing of what was asked for, which can be asked for again
 * after a reconnection. `unavailable` alone does not say so: containerd answers it too, and so do others.
 */
export function isOutage(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause)
    if (error instanceof EngineError && error.details["outage"] !== undefined) return true;
  return false;
}
