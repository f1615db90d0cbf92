import { callAfter } from "@pouchcontainer/owners";

/** Whether the end came within that time. */
export async function ended(exit: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const callOff = callAfter(timeoutMs, () => late.resolve(false));
  const result = await Promise.race([exit.then(() => true), late.promise]);
  callOff();
  return result;
}
