import { EngineError, isKind } from "@pouchcontainer/errors";

/** What Node says when the other end of a connection or pipe is gone. */
const codes = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED", "ABORT_ERR"]);

/**
 * Whether something failed because a client hung up. It is nobody's defect then, and nobody is left to hear of it; whatever else fails
 * meanwhile still counts.
 */
export function tellsOfHangup(thrown: unknown): boolean {
  if (isKind(thrown, "cancelled")) return true;
  for (let current = thrown; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string" && codes.has(current.code)) return true;
    if (!(current instanceof EngineError)) return false;
  }
  return false;
}
