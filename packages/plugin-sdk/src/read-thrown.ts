import { EngineError, internal, messageChain } from "@pouchcontainer/errors";
import { types } from "node:util";
import { cloneJson } from "./json-copy.ts";
import { kindOf } from "./plugin-failure.ts";

/** Causes below causes that are read. */
const mostCauses = 8;

/**
 * What code of a plugin threw, as an error of plain texts out of its reach. Whoever throws may have put anything there: members that throw
 * when they are read, or are something else each time. What cannot be read is an error that says so.
 */
export function readThrown(thrown: unknown, causes = mostCauses): Error {
  try {
    if (types.isProxy(thrown)) return unreadable();
    if (!(thrown instanceof Error)) return withStack(internal(messageChain(thrown)), undefined);
    const { name, message, stack, cause } = thrown;
    const text = typeof message === "string" ? message : `an error that says nothing: ${typeof message}`;
    const options = cause === undefined || causes === 0 ? {} : { cause: readThrown(cause, causes - 1) };
    const isOurs = thrown instanceof EngineError || name === "EngineError";
    return withStack(isOurs ? engineError(thrown, text, options) : plainError(thrown, text, options), stack);
  } catch {
    return unreadable();
  }
}

function engineError(thrown: Error, message: string, options: { cause?: unknown }): EngineError {
  if (!(thrown instanceof EngineError)) return new EngineError(kindOf(thrown), message, options);
  const { details, foreseen } = thrown;
  return new EngineError(kindOf(thrown), message, { ...options, details: cloneJson(details), foreseen });
}

/** With what tells one error of the system from another. */
function plainError(thrown: Error, message: string, options: { cause?: unknown }): Error {
  const { name } = thrown;
  const code = "code" in thrown ? thrown.code : undefined;
  return Object.assign(new Error(message, options), {
    name: typeof name === "string" ? name : "Error",
    ...(typeof code === "string" ? { code } : {}),
  });
}

function unreadable(): Error {
  return withStack(internal("an error that cannot be read"), undefined);
}

/** Where it was made is the daemon's own code, which tells nothing. */
function withStack<E extends Error>(error: E, stack: unknown): E {
  return Object.assign(error, { stack: typeof stack === "string" ? stack : error.message });
}
