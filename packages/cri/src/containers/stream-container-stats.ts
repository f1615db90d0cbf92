import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import { inParts } from "../pods/in-parts.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { selectedRecords } from "./list-containers.ts";
import type { ContainerMeter } from "./stats/container-meter.ts";

/** The list in parts, for those whose list is longer than a message may be. */
export function streamContainerStats(
  deps: ContainersDeps,
  meter: Pick<ContainerMeter, "measure">,
): Handler<typeof RuntimeService.method.streamContainerStats> {
  return async function* ({ filter }, { signal }) {
    const stats = await meter.measure(selectedRecords(deps, filter));
    for (const containerStats of inParts(stats, signal)) yield { containerStats };
  };
}
