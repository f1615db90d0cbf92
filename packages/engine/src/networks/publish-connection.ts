import type { EventBus } from "../events/index.ts";
import type { NetworkRecord } from "./network-record.ts";

/** Tells that a container was connected to a network or disconnected from it. */
export function publishConnection(
  events: Pick<EventBus, "publish">,
  action: "connect" | "disconnect",
  { id, name, driver }: NetworkRecord,
  container: string,
): void {
  events.publish({ type: "network", action, id, attributes: { container, name, type: driver } });
}
