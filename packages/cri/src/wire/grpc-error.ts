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

const codes = new Map<number, Code>(Object.values(Code).flatMap((code) => (typeof code === "number" ? [[code, code]] : [])));

/** The library's codes are gRPC's numbers. A kind that is no failure in gRPC was not meant to get here. */
function codeOf({ kind }: EngineError): Code {
  return codes.get(grpcCodeOf(kind)) ?? Code.Unknown;
}
