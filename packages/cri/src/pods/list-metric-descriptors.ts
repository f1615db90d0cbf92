import type { RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import { metricDescriptors } from "./pod-metrics.ts";

/** What metrics of pods there are, and by which labels. */
export function listMetricDescriptors(): Handler<typeof RuntimeService.method.listMetricDescriptors> {
  return async () => ({ descriptors: metricDescriptors() });
}
