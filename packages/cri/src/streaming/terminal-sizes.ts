import type { Readable } from "node:stream";
import type { TerminalSize } from "./backend.ts";

/** A size takes some 30 bytes; what goes on without an end is none. */
const maxDocumentBytes = 1024;

/**
 * Reads sizes from a resize stream: JSON documents `{"Width":80,"Height":24}`, one after the other. Of several that come while nobody
 * asks only the last one counts, so the stream never waits. Ends with the stream, with the signal, and at the first junk.
 */
export function terminalSizes(stream: Readable, signal: AbortSignal): AsyncGenerator<TerminalSize> {
  let latest: TerminalSize | undefined;
  let ended = false;
  let wake = (): void => undefined;
  const end = (): void => {
    ended = true;
    wake();
  };
  let text = "";
  const take = (chunk: Buffer): void => {
    if (ended) return;
    text += chunk.toString("latin1");
    for (let close = text.indexOf("}"); close >= 0; close = text.indexOf("}")) {
      const size = parseSize(text.slice(0, close + 1));
      text = text.slice(close + 1);
      if (size === undefined) return end();
      latest = size;
      wake();
    }
    if (text.length > maxDocumentBytes) end();
  };
  stream.on("data", take).once("close", end).once("end", end);
  signal.addEventListener("abort", end, { once: true });
  if (stream.destroyed || signal.aborted) end();
  return (async function* () {
    try {
      for (;;) {
        if (latest !== undefined) {
          const size = latest;
          latest = undefined;
          yield size;
        } else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      ended = true;
      signal.removeEventListener("abort", end);
    }
  })();
}

/** Members are named as Go writes them, and read as Go does: whatever their case. */
function parseSize(document: string): TerminalSize | undefined {
  try {
    const members = Object.entries(JSON.parse(document) as object).map(([name, value]) => [name.toLowerCase(), value]);
    const { width, height } = Object.fromEntries(members) as Record<string, unknown>;
    return isLength(width) && isLength(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

const isLength = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535;
