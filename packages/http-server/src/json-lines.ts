import type { ServerResponse } from "node:http";
import { writeOutput } from "./write-output.ts";

/** Sends objects as they come, one JSON text per line; the head goes out at once, so that the client knows it is connected. */
export async function streamJsonLines(
  response: ServerResponse,
  items: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.flushHeaders();
  try {
    for await (const item of items) await writeOutput(response, `${JSON.stringify(item)}\n`);
  } catch (thrown) {
    // What ends by the signal ended as it should; anything else breaks the stream off, which the client sees.
    if (!signal.aborted) throw thrown;
  }
  response.end();
}
