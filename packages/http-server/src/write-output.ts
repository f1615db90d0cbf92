import { once } from "node:events";
import type { Writable } from "node:stream";

/** Writes and, where the other side is slow, waits until it took what there is. Rejects when it went away. */
export async function writeOutput(target: Writable, data: Uint8Array | string): Promise<void> {
  if (target.write(data)) return;
  await drained(target);
}

async function drained(target: Writable): Promise<void> {
  if (target.destroyed) throw closedEarly();
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([
      once(target, "drain", { signal }),
      once(target, "close", { signal }).then(() => {
        throw closedEarly();
      }),
    ]);
  } finally {
    settled.abort();
  }
}

function closedEarly(): Error {
  return new DOMException("the client went away", "AbortError");
}
