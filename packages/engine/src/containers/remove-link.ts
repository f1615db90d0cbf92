import { internal } from "@pouchcontainer/errors";
import type { ContainerRoom } from "./container-room.ts";

/** `owner/alias` names no container any more; the container itself stays, and so does what a running owner knows of it. */
export async function removeLink({ registry }: ContainerRoom, ref: string): Promise<void> {
  const [name = "", alias] = ref.replace(/^\//, "").split("/");
  if (alias === undefined) throw internal("Conflict, cannot remove the default link name of the container");
  const owner = registry.require(name);
  await owner.lock.run(() => owner.change({ links: (owner.record.links ?? []).filter((link) => link.alias !== alias) }));
}
