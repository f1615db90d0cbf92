import type { Store } from "@pouchcontainer/engine";
import { randomUUID } from "node:crypto";

/** The daemon's id, the same for the life of its home directory. */
export async function daemonId(store: Store): Promise<string> {
  const records = store.collection<string>("daemon");
  const known = records.get("id");
  if (known !== undefined) return known;
  const id = randomUUID();
  await records.put("id", id);
  return id;
}
