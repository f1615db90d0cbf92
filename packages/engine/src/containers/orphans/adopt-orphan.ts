import { failedPrecondition, isKind } from "@pouchcontainer/errors";
import { Container } from "../container.ts";
import type { ContainerRoom } from "../container-room.ts";
import { applyPolicies, recoverOne } from "../recovery/recover-containers.ts";
import type { Orphan } from "./orphan.ts";

/**
 * Makes a container of what was set aside: its record goes into the store, what runs of it is taken up as after a start of the
 * daemon, and its restart policy holds again.
 */
export async function adoptOrphan(room: ContainerRoom, { id, record }: Orphan): Promise<void> {
  const { deps, registry, orphans } = room;
  if (record === undefined)
    throw failedPrecondition(
      `no record lies beside container ${id}: it cannot be adopted, only removed (its files can be saved before)`,
    );
  const task = await deps.containerd.tasks.get(id).catch((error: unknown) => {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  });
  registry.reserveName(record.name, id);
  try {
    await deps.records.put(id, record);
    await deps.records.keepCopy(id);
  } catch (error) {
    registry.releaseName(record.name, id);
    throw error;
  }
  const container = new Container(record, deps);
  registry.add(container);
  orphans.delete(id);
  deps.chains.adoptTrace({ id, name: record.name }, record.trace ?? []);
  await recoverOne(room, container, task);
  applyPolicies(room, [container]);
}
