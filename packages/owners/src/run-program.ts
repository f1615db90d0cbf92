import { cancelled, deadlineExceeded, internal, resourceExhausted } from "@pouchcontainer/errors";
import type { Readable } from "node:stream";
import { startProgram, type Ending, type StartedProgram, type StartOptions } from "./start-program.ts";

export interface RunOptions extends Omit<StartOptions, "stdio" | "neededForStop"> {
  /** What it reads; default: nothing. */
  input?: string | Uint8Array;
  /** Milliseconds it may take before it is killed; default: a minute. */
  timeoutMs?: number;
  /** Kills it. */
  signal?: AbortSignal;
  /** Bytes of standard output it may print; default: 1 MiB. Of standard error the last 64 KiB are kept. */
  maxOutputBytes?: number;
}

export interface Outcome extends Ending {
  stdout: string;
  stderr: string;
}

const defaultTimeoutMs = 60_000;
const defaultOutputBytes = 1024 * 1024;
const keptErrorBytes = 64 * 1024;

/**
 * Runs a program to its end and returns what it printed. An end other than exit status 0 is an error with its last words.
 */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await programOutcome(program, args, options);
  if (outcome.status === 0) return outcome;
  throw internal(`${program} failed: ${lastWords(outcome)}`, {
    details: { program, status: outcome.status, signal: outcome.signal, stderr: outcome.stderr },
  });
}

/** Runs a program to its end, whatever its exit status. Rejects when it cannot be started, takes too long, prints too much or is cancelled. */
export function programOutcome(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { input: _input, timeoutMs: _timeout, signal: _signal, maxOutputBytes: _max, ...starting } = options;
  return outcomeOf(startProgram(program, args, starting), options);
}

/** The same for a program that somebody else has started with three pipes, for example in another namespace. */
export async function outcomeOf(running: StartedProgram, options: Omit<RunOptions, keyof StartOptions> = {}): Promise<Outcome> {
  const { input, timeoutMs = defaultTimeoutMs, signal, maxOutputBytes = defaultOutputBytes } = options;
  const { program } = running;
  const broken = Promise.withResolvers<never>();
  const breakOff = (error: Error): void => {
    running.abandon();
    broken.reject(error);
  };
  const timer = setTimeout(
    () => breakOff(deadlineExceeded(`${program} did not end within ${timeoutMs / 1000} s and was killed`)),
    timeoutMs,
  );
  const onAbort = (): void => breakOff(cancelled(`${program} was cancelled`, { cause: signal?.reason }));
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  const stdout: Buffer[] = [];
  let size = 0;
  collect(running.stdout, (chunk) => {
    stdout.push(chunk);
    size += chunk.length;
    if (size > maxOutputBytes) breakOff(resourceExhausted(`${program} printed more than ${maxOutputBytes} bytes`));
  });
  let stderr = Buffer.alloc(0);
  collect(running.stderr, (chunk) => (stderr = Buffer.concat([stderr, chunk]).subarray(-keptErrorBytes)));
  running.stdin.end(input);
  try {
    const ending = await Promise.race([running.closed, broken.promise]);
    return { ...ending, stdout: Buffer.concat(stdout).toString("utf8"), stderr: stderr.toString("utf8") };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** What to say of a program that failed: what it complained about, else how it ended. */
export function lastWords({ status, signal, stderr }: Outcome): string {
  return stderr.trim() || (signal === null ? `exit status ${status}` : `killed by ${signal}`);
}

/** Pipes of StartedProgram have somebody who hears their errors. */
function collect(pipe: Readable, take: (chunk: Buffer) => void): void {
  pipe.on("data", take);
}
