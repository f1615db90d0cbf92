import { Code, ConnectError } from "@connectrpc/connect";
import { EngineError, grpcCodeOf, messageChain } from "@pouchcontainer/errors";

/**
 * What a handler threw, as the client is told. A call that was cancelled or came too late is answered as such, whatever the work
 * below made of it.
 */
export function grpcErrorOf(thrown: unknown, signal: AbortSignal): ConnectError {
  if (signal.aborted && signal.reason instanceof ConnectError) return signal.reason;
  if (thrown instanceof ConnectError) return thrown;
  const error = EngineError.from(thrown);
  return new ConnectError(messageChain(error), codeOf(error), undefined, undefined, thrown);
}

/** The library's codes are gRPC's numbers. A kind that is no failure in gRPC was not meant to get here. */
function codeOf({ kind }: EngineError): Code {
  const code = grpcCodeOf(kind);
  return code === 0 ? Code.Unknown : (code as Code);
}
