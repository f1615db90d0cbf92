import { jsonValues } from "../client/json-lines.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext } from "../context.ts";
import type { Output } from "../output/output.ts";
import { ProgressDisplay, readMessage } from "../output/progress.ts";
import { authHeader } from "./credentials.ts";
import { parseImageName } from "./reference.ts";

export interface PullOptions {
  platform: string | undefined;
  quiet: boolean;
  allTags?: boolean;
  /** Where the progress is drawn. */
  progress: Output;
}

/** Pulls an image and shows how far it is. Ctrl-C closes the connection, which cancels the pull. */
export async function pullImage(context: CliContext, image: string, options: PullOptions): Promise<void> {
  const name = parseImageName(image);
  const tag = name.digest ?? name.tag ?? (options.allTags === true ? undefined : "latest");
  const engine = await context.engine();
  const abort = new AbortController();
  const undo = context.onInterrupt(() => abort.abort());
  try {
    const answer = await engine.post("/images/create", {
      query: { fromImage: name.repository, tag, platform: options.platform },
      headers: authHeader(context, name.registry),
      signal: abort.signal,
    });
    await showProgress(answer.chunks(), options.quiet ? undefined : options.progress);
    abort.signal.throwIfAborted();
  } catch (error) {
    if (abort.signal.aborted) throw new CliError("", { exitCode: 130 });
    throw error;
  } finally {
    undo();
  }
}

/** Draws a stream of progress messages; throws the error it ends with. */
export async function showProgress(body: AsyncIterable<Uint8Array>, output: Output | undefined): Promise<void> {
  const display = output === undefined ? undefined : new ProgressDisplay(output);
  for await (const value of jsonValues(body)) {
    const message = readMessage(value);
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new CliError(failure);
    display?.show(message);
  }
}
