import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PodRecord } from "@pouchcontainer/engine";
import type { PodSandboxMetricsSchema, RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { readyPods } from "./list-pod-sandbox-stats.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import type { PodMeter } from "./pod-meter.ts";
import { podMetrics } from "./pod-metrics.ts";

type Deps = Pick<PodCallDeps, "pods" | "containers">;
type Meter = Pick<PodMeter, "measure">;

/** The metrics of all pods that are ready. */
export function listPodSandboxMetrics(deps: Deps, meter: Meter): Handler<typeof RuntimeService.method.listPodSandboxMetrics> {
  return async () => ({ podMetrics: await metricsOf(deps, meter, readyPods(deps)) });
}

export async function metricsOf(
  { containers }: Pick<Deps, "containers">,
  meter: Meter,
  pods: readonly PodRecord[],
): Promise<MessageInitShape<typeof PodSandboxMetricsSchema>[]> {
  const [stats, statuses] = await Promise.all([meter.measure(pods), Promise.all(pods.map((pod) => containers.statusesIn(pod)))]);
  const images = new Map(statuses.flat().map(({ id = "", image }) => [id, image?.image ?? ""]));
  return stats.map((one) => podMetrics(one, (id) => images.get(id) ?? ""));
}
