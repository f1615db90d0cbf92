/** `Promise.all`, but waits for all, so that nothing is still at work when the first failure is thrown: undoing must not race with it. */
export async function settleAll<T extends readonly unknown[]>(
  work: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
