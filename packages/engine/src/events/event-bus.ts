import type { EventMessage } from "@pouchcontainer/api";
import { callAfter } from "@pouchcontainer/owners";
import { matchesFilters, type EventFilters } from "./event-filters.ts";

/** Something happened to someone; the bus adds time, scope and the fields of old clients. */
export interface EventInput {
  /** container, image, volume, network, plugin, daemon… */
  type: string;
  action: string;
  id: string;
  attributes: Record<string, string>;
  /** Nanoseconds since the epoch when it happened; default now. */
  at?: bigint;
}

/** What operations need of the bus. */
export interface EventPublisher {
  publish(event: EventInput): void;
}

export interface EventBusOptions {
  clock: { now(): bigint };
  /** Past events kept for `since`; default 256, as Docker. */
  remembered?: number;
  /** Events a subscriber may lag behind before it misses the oldest ones; default 8192. */
  maxLag?: number;
}

interface Subscriber {
  take(event: EventMessage): void;
}

/** Hands every event to whoever listens, in order, and remembers the last ones. A slow listener holds up nobody. */
export class EventBus implements EventPublisher {
  readonly #clock: { now(): bigint };
  readonly #remembered: number;
  readonly #maxLag: number;
  readonly #past: EventMessage[] = [];
  readonly #subscribers = new Set<Subscriber>();

  constructor(options: EventBusOptions) {
    this.#clock = options.clock;
    this.#remembered = options.remembered ?? 256;
    this.#maxLag = options.maxLag ?? 8192;
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  publish(event: EventInput): void {
    const message = messageOf(event, event.at ?? this.#clock.now());
    this.#past.push(message);
    if (this.#past.length > this.#remembered) this.#past.shift();
    for (const subscriber of this.#subscribers) subscriber.take(message);
  }

  /**
   * Remembered events in [since, until] when one of them is given, then live ones until `until` or the signal. Times are
   * seconds since the epoch; an `until` that is not after it means all that are remembered, as with dockerd. Nothing is missed from the moment of the call on, even before the first `next`.
   */
  subscribe(
    options: { since?: number; until?: number; filters: EventFilters },
    signal: AbortSignal,
  ): AsyncIterableIterator<EventMessage> {
    const { since, until, filters } = options;
    const nowSeconds = Number(this.#clock.now() / 1_000_000n) / 1000;
    const live = until === undefined || until > nowSeconds;
    const queue: EventMessage[] =
      since === undefined && until === undefined
        ? []
        : this.#past.filter((event) => inRange(event, since, until) && matchesFilters(event, filters));
    return this.#iterate(queue, live && !signal.aborted ? { until, filters, nowSeconds } : undefined, signal);
  }

  #iterate(
    queue: EventMessage[],
    live: { until: number | undefined; filters: EventFilters; nowSeconds: number } | undefined,
    signal: AbortSignal,
  ): AsyncIterableIterator<EventMessage> {
    let wake: (() => void) | undefined;
    let open = live !== undefined;
    const subscriber: Subscriber = {
      take: (event) => {
        if (!live || !matchesFilters(event, live.filters)) return;
        queue.push(event);
        if (queue.length > this.#maxLag) queue.shift();
        wake?.();
      },
    };
    const close = (): void => {
      open = false;
      callOff?.();
      signal.removeEventListener("abort", close);
      this.#subscribers.delete(subscriber);
      wake?.();
    };
    const callOff = live?.until === undefined ? undefined : callAfter((live.until - live.nowSeconds) * 1000, close);
    if (open) {
      this.#subscribers.add(subscriber);
      signal.addEventListener("abort", close);
    }
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        for (;;) {
          const event = queue.shift();
          if (event) return { done: false, value: event };
          if (!open) return { done: true, value: undefined };
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
      return() {
        queue.length = 0;
        close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

function inRange(event: EventMessage, since: number | undefined, until: number | undefined): boolean {
  const seconds = event.timeNano / 1e9;
  return seconds >= (since ?? 0) && seconds <= (until === undefined || until <= 0 ? Infinity : until);
}

function messageOf({ type, action, id, attributes }: EventInput, at: bigint): EventMessage {
  return {
    ...legacyFields(type, action, id, attributes),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: "local",
    time: Number(at / 1_000_000_000n),
    timeNano: Number(at),
  };
}

function legacyFields(type: string, action: string, id: string, attributes: Record<string, string>): Partial<EventMessage> {
  if (type !== "container" && type !== "image") return {};
  const { image = "" } = attributes;
  // Go leaves out what is empty: a prune is nobody's.
  const from = type === "container" && image !== "" ? { from: image } : {};
  return { status: action, ...(id === "" ? {} : { id }), ...from };
}
