import type { ContainerInspect } from "@pouchcontainer/api";
import { isBelow } from "./api-version.ts";

const defaultNetworks = ["bridge", "host", "none"];

/**
 * A container as clients of that version know it: before 1.45 its short id was among its aliases in networks of the user's own,
 * from its first start on. docker-compose 1 connects with the aliases of its project what does not have it.
 */
export function containerForVersion(container: ContainerInspect, version: string): ContainerInspect {
  if (!isBelow(version, "1.45") || container.State.Status === "created") return container;
  const Networks = Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => [
      name,
      defaultNetworks.includes(name)
        ? endpoint
        : { ...endpoint, Aliases: [...(endpoint.Aliases ?? []), container.Id.slice(0, 12)] },
    ]),
  );
  return { ...container, NetworkSettings: { ...container.NetworkSettings, Networks } };
}
