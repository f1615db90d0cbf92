/** Of pods in one message: some kilobytes each, so that no message comes near the limit. */
const perMessage = 100;

/** A list in parts that are a message each; throws when nobody listens any more. */
export function* inParts<T>(all: readonly T[], signal: AbortSignal): Generator<T[]> {
  for (let start = 0; start < all.length; start += perMessage) {
    signal.throwIfAborted();
    yield all.slice(start, start + perMessage);
  }
}
