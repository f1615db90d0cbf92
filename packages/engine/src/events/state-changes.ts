import type { EventBus } from "./event-bus.ts";

/** A container, or a pod, has come into another state. */
export interface StateChange {
  of: "container" | "pod";
  id: string;
  state: "created" | "started" | "stopped" | "deleted";
  /** Nanoseconds since the epoch. */
  at: bigint;
  labels: Readonly<Record<string, string>>;
}

const states = new Map<string, StateChange["state"]>([
  ["create", "created"],
  ["start", "started"],
  ["die", "stopped"],
  ["destroy", "deleted"],
]);

/** What becomes of containers and of pods from the moment of the call on, until the signal. Records say what is so already when a change is heard of. */
export function stateChanges(bus: Pick<EventBus, "subscribe">, signal: AbortSignal): AsyncIterable<StateChange> {
  const events = bus.subscribe({ filters: { type: ["container", "pod"], event: [...states.keys()] } }, signal);
  return changes(events);
}

async function* changes(events: ReturnType<EventBus["subscribe"]>): AsyncGenerator<StateChange, void, undefined> {
  for await (const { Type, Action, Actor, timeNano } of events) {
    const state = states.get(Action);
    if (state)
      yield { of: Type === "pod" ? "pod" : "container", id: Actor.ID, state, at: BigInt(timeNano), labels: Actor.Attributes };
  }
}
