import type { RuntimeHandlers } from "../wire/handlers.ts";
import { attach } from "./attach.ts";
import { containerStats } from "./container-stats.ts";
import { containerStatus } from "./container-status.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import { createContainer } from "./create-container.ts";
import { handleExecSync } from "./exec-sync.ts";
import { exec } from "./exec.ts";
import { getContainerEvents } from "./get-container-events.ts";
import { listContainerStats } from "./list-container-stats.ts";
import { listContainers } from "./list-containers.ts";
import { removeContainer } from "./remove-container.ts";
import { reopenContainerLog } from "./reopen-container-log.ts";
import { startContainer } from "./start-container.ts";
import type { ContainerMeter } from "./stats/container-meter.ts";
import { stopContainer } from "./stop-container.ts";
import { streamContainerStats } from "./stream-container-stats.ts";
import { streamContainers } from "./stream-containers.ts";
import { updateContainerResources } from "./update-container-resources.ts";

/** RPCs about containers. CheckpointContainer is not among them: a container cannot be restored from a checkpoint here. */
export function containerCalls(deps: ContainersDeps, meter: Pick<ContainerMeter, "measure">) {
  return {
    createContainer: createContainer(deps),
    startContainer: startContainer(deps),
    stopContainer: stopContainer(deps),
    removeContainer: removeContainer(deps),
    containerStatus: containerStatus(deps),
    listContainers: listContainers(deps),
    streamContainers: streamContainers(deps),
    updateContainerResources: updateContainerResources(deps),
    reopenContainerLog: reopenContainerLog(deps),
    execSync: handleExecSync(deps),
    exec: exec(deps),
    attach: attach(deps),
    containerStats: containerStats(deps, meter),
    listContainerStats: listContainerStats(deps, meter),
    streamContainerStats: streamContainerStats(deps, meter),
    getContainerEvents: getContainerEvents(deps),
  } satisfies RuntimeHandlers;
}
