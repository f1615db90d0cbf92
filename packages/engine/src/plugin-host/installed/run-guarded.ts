import { EngineError, unavailable } from "@pouchcontainer/errors";
import { lastWords, outcomeOf } from "@pouchcontainer/owners";
import { GuardedProcess } from "../guarded-process.ts";

/** npm and tar have this long. */
const programTimeoutMs = 300_000;

/** Where a program runs, what is set besides the daemon's own environment, and what ends it. */
export interface ProgramPlace {
  directory?: string;
  environment?: Record<string, string>;
  signal?: AbortSignal;
}

/** Ends with the daemon, also where that is killed: the next one takes away what it was filling. */
export async function runGuarded(command: string, args: string[], place: ProgramPlace = {}): Promise<{ stdout: string }> {
  const running = await startGuarded(command, args, place);
  const { signal } = place;
  const limits = { timeoutMs: programTimeoutMs, maxOutputBytes: 16 * 1024 * 1024, ...(signal && { signal }) };
  const ended = outcomeOf(running.program, limits);
  await Promise.allSettled([ended]);
  await running.stop();
  const outcome = await ended;
  if (outcome.status !== 0) throw unavailable(`${command} failed: ${lastWords(outcome).slice(0, 800)}`);
  return outcome;
}

async function startGuarded(
  command: string,
  args: string[],
  { directory, environment = {} }: ProgramPlace,
): Promise<GuardedProcess> {
  // What is set is text.
  const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  try {
    return await GuardedProcess.start({
      command,
      args,
      env: { ...env, ...environment },
      stopTimeoutMs: 1000,
      ...(directory === undefined ? {} : { workingDirectory: directory }),
    });
  } catch (cause) {
    throw unavailable(`${EngineError.from(cause).message} (package ${command})`, { cause });
  }
}
