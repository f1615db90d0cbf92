import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";

/** Ends a stream, with a last word where there is one, and waits until all of it was taken; or until nobody takes it any more. */
export async function endStream(stream: Writable, lastWord = ""): Promise<void> {
  if (stream.destroyed) return;
  if (!stream.writableEnded) stream.end(lastWord);
  // A client that went away meanwhile has nothing to be told.
  await finished(stream, { readable: false }).catch(() => undefined);
}
