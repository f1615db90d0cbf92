import { isOutage } from "@pouchcontainer/containerd";
import { EngineError, internal, invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { RuntimeHook } from "./bounded-hook.ts";

export interface RuntimeFailure {
  exitCode: number;
  error: EngineError;
}

const notFoundWords = ["executable file not found", "no such file or directory", "system cannot find the file specified"];

/**
 * What runc or the shim could not do, as dockerd tells it: 127 when the command does not exist, 126 when it cannot be run,
 * 128 for everything else (moby `daemon/errors.go`).
 * Of a failed hook the runtime tells the number; it is told whose it is, and nothing in its words speaks of the container.
 */
export function runtimeFailure(prefix: string, thrown: unknown, hooks: readonly RuntimeHook[] = []): RuntimeFailure {
  const cause = EngineError.from(thrown);
  const text = messageChain(cause).replace(/(?<![\r\n])[\r\n]+$/, "");
  const message = text.startsWith(prefix) ? text : `${prefix}: ${text}`;
  if (isOutage(cause)) return { exitCode: 128, error: new EngineError(cause.kind, message, { cause }) };
  const hook = hooks[Number(/error running (?:\w+ )?hook #(\d+)/.exec(text)?.[1] ?? -1)];
  if (hook !== undefined) {
    const whose = `plugin "${hook.plugin}" at container.preStart: its hook ${hook.program ?? hook.args[0]} failed`;
    return { exitCode: 128, error: internal(`${prefix}: ${whose}: ${text}`, { cause, details: { plugin: hook.plugin } }) };
  }
  if (notFoundWords.some((words) => text.includes(words))) return { exitCode: 127, error: invalidArgument(message, { cause }) };
  if (text.includes("permission denied") || text.includes("is a directory"))
    return { exitCode: 126, error: invalidArgument(message, { cause }) };
  if (text.includes("not a directory")) {
    const hint =
      ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";
    return { exitCode: 127, error: invalidArgument(message + hint, { cause }) };
  }
  if (cause.kind === "unavailable" || cause.kind === "deadlineExceeded" || cause.kind === "resourceExhausted")
    return { exitCode: 128, error: new EngineError(cause.kind, message, { cause }) };
  return { exitCode: 128, error: internal(message, { cause }) };
}
