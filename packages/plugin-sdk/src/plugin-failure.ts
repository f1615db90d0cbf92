import { EngineError, messageChain } from "@pouchcontainer/errors";
import type { PointName } from "./points.ts";

type ErrorKind = EngineError["kind"];

/** Kinds by which a plugin says "no" to a request; they tell of the request and are no sign of a broken plugin. */
const refusals: ReadonlySet<ErrorKind> = new Set([
  "invalidArgument",
  "unauthenticated",
  "forbidden",
  "notFound",
  "conflict",
  "alreadyExists",
  "failedPrecondition",
]);

/** The error of a point, as the client sees it: names plugin and point, keeps the kind the plugin chose. `words`: default, what was thrown. */
export function pluginFailure(plugin: string, point: PointName, thrown: unknown, words = messageChain(thrown)): EngineError {
  return new EngineError(kindOf(thrown), `plugin "${plugin}" at ${point}: ${words}`, {
    cause: thrown,
    details: { ...(thrown instanceof EngineError ? thrown.details : {}), plugin, point },
  });
}

/** Whether the plugin refused the request, rather than failed. */
export function isRefusal(thrown: unknown): boolean {
  return refusals.has(kindOf(thrown));
}

/** The kind of a thrown value. A plugin may carry its own copy of the error class, so the shape decides, not `instanceof`. */
export function kindOf(thrown: unknown): ErrorKind {
  if (thrown instanceof EngineError) return thrown.kind;
  if (thrown instanceof Error && thrown.name === "EngineError" && "kind" in thrown) {
    const kind = thrown.kind;
    // Only members of the set pass, and they are kinds.
    if (refusals.has(kind as ErrorKind) || kind === "unavailable" || kind === "deadlineExceeded") return kind as ErrorKind;
  }
  return "internal";
}
