import type { EventPublisher } from "../events/index.ts";
import type { ContainerRecord } from "./container-record.ts";

/** Publishes an event of a container with the attributes Docker gives it: labels, then image and name, then the action's own. */
export function publishContainerEvent(
  events: EventPublisher,
  record: ContainerRecord,
  action: string,
  attributes: Record<string, string> = {},
): void {
  events.publish({
    type: "container",
    action,
    id: record.id,
    attributes: { ...record.config.Labels, image: record.image.reference, name: record.name, ...attributes },
  });
}
