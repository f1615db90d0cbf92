import { forbidden } from "@pouchcontainer/errors";
import { writesOf, type Provenance } from "@pouchcontainer/plugin-sdk";
import { valueAt } from "@pouchcontainer/plugin-sdk/host";

/** Refuses what a plugin made privileged; what came so, and left so, its client asked for. */
export function refuseRaised(
  what: string,
  body: unknown,
  { pointer, provenance }: { pointer: string; provenance: Provenance },
): void {
  const writes = writesOf(provenance, pointer);
  if (valueAt(body, pointer) !== true || writes.length === 0 || writes[0]?.old === true) return;
  throw forbidden(`plugin "${writes.at(-1)?.plugin}" made ${what} privileged, which the daemon's --validator rules out`);
}
