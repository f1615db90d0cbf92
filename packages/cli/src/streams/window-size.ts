import type { WindowSize } from "../output/output.ts";

/**
 * Returns what tells a process the size its window has now, one request at a time: of two on their way at once, the older could arrive
 * last. A process that is gone, or not there yet, has no window: its own outcome is what counts.
 */
export function windowSizeSender(
  current: () => WindowSize | undefined,
  send: (size: WindowSize) => Promise<void>,
): () => Promise<void> {
  let sending = false;
  let changed = false;
  return async () => {
    changed = true;
    if (sending) return;
    sending = true;
    while (changed) {
      changed = false;
      const size = current();
      if (size !== undefined) await send(size).catch(() => undefined);
    }
    sending = false;
  };
}
