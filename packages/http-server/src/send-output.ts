import type { Endpoint } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import type { OutputChunk } from "./backend.ts";
import type { Call } from "./call.ts";
import { encodeOutput, errorFrame } from "./stdcopy.ts";
import { streamType } from "./stream-type.ts";
import { writeOutput } from "./write-output.ts";

/** Answers a call with output. What fails on the way is told in the stream, where framing leaves room for it. */
export async function sendOutput(
  call: Call<Endpoint>,
  { tty, output }: { tty: boolean; output: AsyncIterable<OutputChunk> },
  signal: AbortSignal,
): Promise<void> {
  const { response } = call;
  response.writeHead(200, { "Content-Type": streamType(call.version, tty) });
  response.flushHeaders();
  try {
    for await (const chunk of output) await writeOutput(response, encodeOutput(chunk, tty));
  } catch (thrown) {
    if (signal.aborted) return;
    if (tty) throw thrown;
    response.write(errorFrame(EngineError.from(thrown).message));
  }
  response.end();
}
