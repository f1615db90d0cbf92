import type { EventPublisher } from "../events/index.ts";
import { podName } from "./pod-config.ts";
import type { PodRecord } from "./pod-record.ts";

export type PodAction = "create" | "start" | "die" | "destroy";

/** What becomes of pods is heard where it is heard of containers, by the same words, so that the order between them is kept. */
export function publishPodEvent(
  events: EventPublisher,
  { id, config }: Pick<PodRecord, "id" | "config">,
  action: PodAction,
): void {
  events.publish({ type: "pod", action, id, attributes: { ...config.labels, name: podName(config) } });
}
