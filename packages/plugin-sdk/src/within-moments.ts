import { invalidArgument } from "@pouchcontainer/errors";
import { createContext, Script } from "node:vm";

/** What an ordinary schema takes is some hundredths of it. */
const momentsMs = 500;

const script = new Script("work()");

/**
 * What `work` returns: something that takes as long as a stranger wishes, as a regular expression, a list of unique items or a schema that
 * refers to itself does. Throws `invalidArgument` where that is too long, or deeper than the stack. Nothing of it goes on after that.
 */
export function withinMoments<T>(work: () => T): T {
  try {
    // The script does nothing but this call, and returns what it returned.
    return script.runInContext(createContext({ work }), { timeout: momentsMs }) as T;
  } catch (error) {
    // An error of the script's own context, whose `Error` is another one.
    if (typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT")
      throw invalidArgument(`it takes longer than ${momentsMs} ms to check, as a pattern or a reference that multiplies does`);
    if (error instanceof RangeError) throw invalidArgument("it refers to itself without end, or is too deep", { cause: error });
    throw error;
  }
}
