/** Waits for all, so that nothing is still at work when the first failure is thrown. */
export async function settleAll<T>(work: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
