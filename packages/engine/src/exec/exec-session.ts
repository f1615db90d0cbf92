import type * as api from "@pouchcontainer/api";
import type { OutputChunk } from "../containers/stdio/output-chunk.ts";
import type { ProcessStdio } from "../containers/stdio/process-stdio.ts";
import { sessionInput, type StdioSession } from "../containers/stdio/stdio-session.ts";

export interface ExecSessionOptions {
  config: api.ExecCreateConfig;
  detachable: boolean;
  drained: boolean;
  /** Keys that let go of it; empty for the usual ones. */
  detachKeys: Uint8Array;
  ended: Promise<number>;
  /** Tells the runtime that nothing more is typed. */
  closeStdin: () => Promise<void>;
  onDetach: () => void;
}

/** Connects a client to the streams of an exec. */
export function openExecSession(
  stdio: ProcessStdio,
  { config, detachable, drained, detachKeys, ended, closeStdin, onDetach }: ExecSessionOptions,
): StdioSession {
  const tty = config.Tty ?? false;
  const tap = stdio.hub.attach({ stdout: config.AttachStdout ?? false, stderr: config.AttachStderr ?? false });
  const left = Promise.withResolvers<void>();
  const close = (): void => {
    tap.close();
    left.resolve();
    if (!drained) stdio.stopReading();
  };
  const output = untilSettled(tap, Promise.race([ended, left.promise]));
  if (!stdio.input) return { tty, output, close };
  const { input } = stdio;
  const endInput = async (): Promise<void> => {
    await input.end();
    await closeStdin();
  };
  const writable = sessionInput({
    pipe: input,
    ...(tty ? {} : { closeStdin: endInput }),
    ...(tty && detachable ? { detachKeys } : {}),
    onDetach: () => {
      onDetach();
      close();
    },
    onEnd: close,
  });
  return { tty, output, input: writable, close };
}

/** A client asks for the exit code as soon as the output ends: then it must be known. */
async function* untilSettled(
  output: AsyncIterable<OutputChunk>,
  settled: Promise<unknown>,
): AsyncGenerator<OutputChunk, void, undefined> {
  yield* output;
  await settled;
}
