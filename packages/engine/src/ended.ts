/** Whether the end came within that time. */
export async function ended(exit: Promise<void>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  // Longer than setTimeout can count is for ever.
  const timer = timeoutMs < 2 ** 31 ? setTimeout(() => late.resolve(false), timeoutMs) : undefined;
  const result = await Promise.race([exit.then(() => true), late.promise]);
  clearTimeout(timer);
  return result;
}
