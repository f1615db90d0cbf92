import { CliError } from "./cli-error.ts";
import type { RequestOptions } from "./client/engine-client.ts";
import type { ResponseHead } from "./client/http-message.ts";
import { jsonValues } from "./client/json-lines.ts";
import type { CliContext } from "./context.ts";
import type { Output } from "./output/output.ts";
import { ProgressDisplay, readMessage } from "./output/progress.ts";

/** Asks for what takes its time and shows how far it is, where there is an output. Ctrl-C closes the connection, which cancels it. */
export async function postWithProgress(
  context: CliContext,
  path: string,
  options: Pick<RequestOptions, "query" | "json" | "headers" | "body">,
  output: Output | undefined,
  onAux?: (aux: unknown) => void,
): Promise<ResponseHead> {
  const engine = await context.engine();
  const abort = new AbortController();
  const undo = context.onInterrupt(() => abort.abort());
  try {
    const answer = await engine.post(path, { ...options, signal: abort.signal });
    await showProgress(answer.chunks(), output, onAux);
    abort.signal.throwIfAborted();
    return answer.head;
  } catch (error) {
    if (abort.signal.aborted) throw new CliError("", { exitCode: 130 });
    throw error;
  } finally {
    undo();
  }
}

/** Draws a stream of progress messages; throws the error it ends with. `onAux` is given the facts in it that are for programs. */
export async function showProgress(
  body: AsyncIterable<Uint8Array>,
  output: Output | undefined,
  onAux?: (aux: unknown) => void,
): Promise<void> {
  const display = output === undefined ? undefined : new ProgressDisplay(output);
  for await (const value of jsonValues(body)) {
    const message = readMessage(value);
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new CliError(failure);
    display?.show(message);
    if (message.aux !== undefined) onAux?.(message.aux);
  }
}
