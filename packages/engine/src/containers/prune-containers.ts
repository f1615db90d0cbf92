import type * as api from "@pouchcontainer/api";
import { invalidArgument, isKind } from "@pouchcontainer/errors";
import { parseRfc3339 } from "./clock.ts";
import { pointInTime } from "../point-in-time.ts";
import { isOfPlugin } from "../plugin-host/is-of-plugin.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { ContainerRecord } from "./container-record.ts";
import { snapshotSizes } from "./snapshot-size.ts";

/** Removes every container that does not run and passes the filters (`until`, `label`, `label!`). */
export async function pruneContainers(
  room: ContainerRoom,
  filters: Record<string, string[]>,
): Promise<api.ContainerPruneResponse> {
  const matches = prunePredicate(filters, room.deps.clock.now());
  const deleted: string[] = [];
  let reclaimed = 0;
  const candidates = room.registry.all.filter(
    ({ state, record }) => ["created", "exited", "dead"].includes(state.status) && matches(record),
  );
  const records = candidates.map(({ record }) => record);
  // A size that cannot be told is no reason to keep the container.
  const sizes = await snapshotSizes(room.deps, records).catch(() => []);
  for (const [index, container] of candidates.entries()) {
    try {
      await room.remove(container, { force: false, volumes: false, asked: true });
      reclaimed += sizes[index]?.rw ?? 0;
      deleted.push(container.id);
    } catch (error) {
      // Started or removed by somebody else in the meantime, or kept by a plugin.
      if (!isKind(error, "conflict", "notFound") && !isOfPlugin(error)) throw error;
    }
  }
  room.deps.events.publish({ type: "container", action: "prune", id: "", attributes: { reclaimed: String(reclaimed) } });
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
}

function prunePredicate(filters: Record<string, string[]>, now: bigint): (record: ContainerRecord) => boolean {
  const { until = [], label = [], "label!": without = [], ...unknown } = filters;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw invalidArgument(`invalid filter '${name}'`);
  if (until.length > 1) throw invalidArgument("more than one until filter specified");
  const before = until[0] === undefined ? undefined : pointInTime(until[0], now);
  return ({ created, config }) => {
    const labels = config.Labels ?? {};
    if (before !== undefined && (parseRfc3339(created) ?? 0n) >= before) return false;
    return label.every((text) => hasLabel(labels, text)) && !without.some((text) => hasLabel(labels, text));
  };
}

function hasLabel(labels: Record<string, string>, text: string): boolean {
  const at = text.indexOf("=");
  return at === -1 ? Object.hasOwn(labels, text) : labels[text.slice(0, at)] === text.slice(at + 1);
}
