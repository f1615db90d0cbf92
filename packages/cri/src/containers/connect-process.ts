import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import type { CommandSession } from "../streaming/backend.ts";

/** A client's connection with a process of a container, as the engine gives it. */
export interface ConnectedProcess {
  tty: boolean;
  /** The memory of a chunk is lent until the next one. */
  output: AsyncIterable<{ stream: "stdout" | "stderr"; data: Uint8Array }>;
  input?: Writable;
  close(): void;
}

/**
 * Passes on what a client and a process say to each other, each at the other's pace. Resolves when the process says no more; a client that
 * goes lets go of it.
 */
export async function connectProcess(
  process: ConnectedProcess,
  { stdin, stdout, stderr, signal }: Pick<CommandSession, "stdin" | "stdout" | "stderr" | "signal">,
): Promise<void> {
  const { input } = process;
  const letGo = (): void => {
    input?.end();
    process.close();
  };
  // The process may close its input or end at any moment; what is typed then has no effect.
  input?.on("error", () => undefined);
  signal.addEventListener("abort", letGo, { once: true });
  if (signal.aborted) letGo();
  if (stdin) connectInput(stdin, input);
  try {
    for await (const { stream, data } of process.output) {
      const target = stream === "stderr" ? stderr : stdout;
      if (target && !signal.aborted) await write(target, Buffer.from(data), signal);
    }
  } finally {
    signal.removeEventListener("abort", letGo);
  }
}

function connectInput(stdin: Readable, input: Writable | undefined): void {
  stdin.on("data", (chunk: Buffer) => {
    if (input?.writable === true && !input.write(chunk)) stdin.pause();
  });
  input?.on("drain", () => stdin.resume()).on("close", () => stdin.resume());
  stdin.once("end", () => input?.end());
}

/** Waits for a slow client, unless it goes. */
async function write(target: Writable, data: Buffer, gone: AbortSignal): Promise<void> {
  if (target.destroyed || target.write(data)) return;
  const settled = new AbortController();
  const signal = AbortSignal.any([gone, settled.signal]);
  try {
    await Promise.race([once(target, "drain", { signal }), once(target, "close", { signal })]);
  } catch {
    // It is gone, and the next chunk finds it so.
  } finally {
    settled.abort();
  }
}
