import { callAfter } from "@pouchcontainer/owners";

/** Whether it was settled within that time; rejects as it does. */
export async function ended(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const callOff = callAfter(timeoutMs, () => late.resolve(false));
  const result = await Promise.race([work.then(() => true), late.promise]);
  callOff();
  return result;
}
