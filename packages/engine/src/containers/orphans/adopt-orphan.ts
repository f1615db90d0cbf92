import { failedPrecondition } from "@pouchcontainer/errors";
import { Container } from "../container.ts";
import type { ContainerRoom } from "../container-room.ts";
import { footprints } from "../leftovers/footprints.ts";
import { applyPolicies } from "../recovery/recover-containers.ts";
import { settleIdle } from "../recovery/settle-idle.ts";
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
  const footprint = (await footprints(room)).get(id);
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
  await settleIdle(room, container, footprint, { told: false });
  applyPolicies(room, [container]);
}
