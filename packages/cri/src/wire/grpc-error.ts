import { EngineError, GrpcCode, grpcCodeOf, messageChain } from "@pouchcontainer/errors";

/** How a call ended that did not end well. */
export interface GrpcFailure {
  error: EngineError;
  code: number;
  message: string;
}

/**
 * What a handler threw, as the client is told. A call that was cancelled or came too late is answered as such, whatever the work
 * below made of it.
 */
export function grpcFailureOf(thrown: unknown, signal: AbortSignal): GrpcFailure {
  const error = EngineError.from(signal.aborted && signal.reason instanceof EngineError ? signal.reason : thrown);
  const code = grpcCodeOf(error.kind);
  // A kind that is no failure in gRPC was not meant to get here.
  return { error, code: code === GrpcCode.ok ? GrpcCode.unknown : code, message: messageChain(error) };
}
