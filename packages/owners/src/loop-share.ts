/** How long all who share may work in one turn of the event loop. */
const shareMs = 5;

/** The turn that is shared now: when the share of it is used up, and the beginning of the next one. */
let turn: { endsAt: number; next: Promise<void> } | undefined;

/**
 * Lets go of the event loop when the pieces of work that ask here have had their share of its turn, all of them together. For loops over
 * what is there already, of however many clients: what they await is done at once, and so nothing else would get a turn before the last
 * of them has nothing left to do.
 */
export async function takeLoopShare(): Promise<void> {
  for (;;) {
    turn ??= begin();
    if (performance.now() < turn.endsAt) return;
    await turn.next;
  }
}

function begin(): NonNullable<typeof turn> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(() => {
    turn = undefined;
    resolve();
  });
  return { endsAt: performance.now() + shareMs, next: promise };
}
