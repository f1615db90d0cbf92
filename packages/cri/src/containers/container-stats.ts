import { notFound } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { requireContainer } from "./find-container.ts";
import type { ContainerMeter } from "./stats/container-meter.ts";

/** What one container takes. */
export function containerStats(
  { containers }: ContainersDeps,
  meter: Pick<ContainerMeter, "measure">,
): Handler<typeof RuntimeService.method.containerStats> {
  return async ({ containerId }) => {
    const [stats] = await meter.measure([requireContainer(containers, containerId)]);
    if (stats === undefined) throw notFound(`no such container: ${containerId}`);
    return { stats };
  };
}
