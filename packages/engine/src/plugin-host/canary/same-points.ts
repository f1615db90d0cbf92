import { failedPrecondition } from "@pouchcontainer/errors";
import { pointNames, type PluginManifest, type PointName } from "@pouchcontainer/plugin-sdk";
import { entryOf, equalJson } from "@pouchcontainer/plugin-sdk/host";

/** Whether what a version does at a point is over with its answer; tables of routes and assistants stay, and are one version's. */
export function isPerCall(point: PointName): boolean {
  const { rule } = entryOf(point);
  return rule !== "supervises" && rule !== "routes";
}

/**
 * Throws where the chains would have to be others for the new version: which calls there are, and in what order, is decided before it is
 * which version takes one.
 */
export function checkSamePoints(old: PluginManifest, fresh: PluginManifest): void {
  const difference = pointNames.flatMap((point) => differenceAt(point, old, fresh) ?? [])[0];
  if (difference !== undefined)
    throw failedPrecondition(
      `version ${fresh.version} of plugin "${fresh.name}" cannot be a canary beside ${old.version}: it has ${difference}; points, priorities and filters have to be the same, so reload it without a canary`,
    );
  if (!pointNames.some((point) => fresh.points[point] !== undefined && isPerCall(point)))
    throw failedPrecondition(
      `plugin "${fresh.name}" has no point at which a canary could take calls: what it does at ${Object.keys(fresh.points).join(", ")} is one version's, so reload it without a canary`,
    );
}

function differenceAt(point: PointName, old: PluginManifest, fresh: PluginManifest): string | undefined {
  const [before, after] = [old.points[point], fresh.points[point]];
  if (before === undefined || after === undefined) {
    if (before === after) return undefined;
    return before === undefined ? `the point ${point} besides` : `no point ${point}`;
  }
  if (before.priority !== after.priority) return `priority ${after.priority} at ${point} in the place of ${before.priority}`;
  return equalJson(before.filters, after.filters) ? undefined : `other filters at ${point}`;
}
