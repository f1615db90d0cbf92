import { Type, type Static } from "typebox";
import { integer, map, optional, text } from "./wire-types.ts";

/** Who an event is about. */
export const EventActor = Type.Object({ ID: text(), Attributes: map(text()) });
export type EventActor = Static<typeof EventActor>;

/** Something that happened. `status`, `id` and `from` repeat it for containers and images (clients of API 1.21 and before). */
export const EventMessage = Type.Object({
  status: optional(text()),
  id: optional(text()),
  from: optional(text()),
  Type: text("container, image, volume, network, plugin, daemon, …"),
  Action: text(),
  Actor: EventActor,
  scope: optional(text("local")),
  time: integer("Seconds since the epoch"),
  timeNano: integer("Nanoseconds since the epoch; JSON numbers hold it to about 200 ns"),
});
export type EventMessage = Static<typeof EventMessage>;
