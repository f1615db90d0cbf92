import type { PluginReplayMessage } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import { clientGone } from "@pouchcontainer/owners";
import type { ServerResponse } from "node:http";
import { once } from "node:events";
import type { TellReplay } from "./plugin-replays.ts";

/**
 * Runs what tells of itself and sends that as lines of JSON, at the client's pace. A failure before the first line is an ordinary error
 * answer, after it the last line. A client that goes ends the work.
 */
export async function streamReplay(
  response: ServerResponse,
  run: (tell: TellReplay, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = clientGone(response);
  const tell = async (message: PluginReplayMessage): Promise<void> => {
    signal.throwIfAborted();
    if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/json" });
    if (!response.write(`${JSON.stringify(message)}\n`)) await once(response, "drain", { signal });
  };
  try {
    await run(tell, signal);
  } catch (thrown) {
    if (!response.headersSent) throw thrown;
    if (signal.aborted) return;
    const { message } = EngineError.from(thrown);
    response.write(`${JSON.stringify({ errorDetail: { message }, error: message })}\n`);
  }
  response.end();
}
