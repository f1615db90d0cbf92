import { cutText, EngineError, internal } from "@pouchcontainer/errors";
import { fieldName, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import type { Verify } from "./chains.ts";

/**
 * Throws for a body that nothing can be made of any more, since a plugin changed it: the fault is the plugin's, and the message names what
 * it changed. One that was of no use before stays its sender's, who hears of it where it is used.
 */
export async function assertUsable<B>(verify: Verify<B>, before: B, after: B, patch: readonly PatchOperation[]): Promise<void> {
  const problem = await problemOf(verify, after);
  if (problem === undefined || (await problemOf(verify, before)) !== undefined) return;
  const [first, ...more] = patch;
  throw internal(`${problem}, since it changed ${changedFields(patch)}`, {
    details: first === undefined || more.length > 0 ? {} : { field: cutText(first.path, shownBytes) },
  });
}

async function problemOf<B>(verify: Verify<B>, body: B): Promise<string | undefined> {
  try {
    await verify(body);
    return undefined;
  } catch (error) {
    return EngineError.from(error).message;
  }
}

/** Fields that a message names, and bytes of the name of each. */
const shownFields = 5;
const shownBytes = 200;

function changedFields(patch: readonly PatchOperation[]): string {
  const names = patch.slice(0, shownFields).map(({ path }) => cutText(fieldName(path), shownBytes));
  const more = patch.length - names.length;
  return `${names.join(", ")}${more === 0 ? "" : ` and ${more} more fields`}`;
}
