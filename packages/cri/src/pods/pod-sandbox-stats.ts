import { failedPrecondition } from "@pouchcontainer/errors";
import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import type { PodMeter } from "./pod-meter.ts";

/** What a pod uses; of one that is not ready nothing is known any more. */
export function podSandboxStats(
  { pods }: Pick<PodCallDeps, "pods">,
  meter: Pick<PodMeter, "measure">,
): Handler<typeof RuntimeService.method.podSandboxStats> {
  return async ({ podSandboxId }) => {
    const [stats] = await meter.measure([pods.requireReady(podSandboxId)]);
    if (stats === undefined) throw failedPrecondition(`pod ${podSandboxId} is not ready any more`);
    return { stats };
  };
}
