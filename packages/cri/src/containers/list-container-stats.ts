import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { selectedRecords } from "./list-containers.ts";
import type { ContainerMeter } from "./stats/container-meter.ts";

/** What containers take, of all or those that a filter selects. */
export function listContainerStats(
  deps: ContainersDeps,
  meter: Pick<ContainerMeter, "measure">,
): Handler<typeof RuntimeService.method.listContainerStats> {
  return async ({ filter }) => ({ stats: await meter.measure(selectedRecords(deps, filter)) });
}
