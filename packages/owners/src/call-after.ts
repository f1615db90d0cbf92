/** Longer than this `setTimeout` does not count: it fires at once. */
const longestMs = 2 ** 31 - 1;

/** Calls once when that time is over, however long it is: for times that somebody else chooses. Answers with what calls it off. */
export function callAfter(delayMs: number, call: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer = leftMs > longestMs ? setTimeout(() => wait(leftMs - longestMs), longestMs) : setTimeout(call, leftMs);
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}
