import { inBackground } from "@pouchcontainer/owners";
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";

/** Calls of one plugin that are under way or wait for their turn. */
export const maxShadowCalls = 16;

/** The calls of one plugin. */
interface Lane {
  calls: number;
  /** Of calls about one thing, the end of the last. */
  readonly turns: Map<unknown, Promise<void>>;
}

/** Calls that run beside the operations they are about. Each begins after what called has gone on, and those about one thing in their order. */
export class ShadowCalls {
  readonly #lanes = new WeakMap<object, Lane>();
  readonly #underWay = new Set<Promise<void>>();

  /** `call` does not reject. Resolves at its end; undefined, and it is not made, where the plugin has as many as it may. */
  begin(plugin: object, about: unknown, call: () => Promise<unknown>): Promise<void> | undefined {
    const lane = this.#lanes.get(plugin) ?? { calls: 0, turns: new Map<unknown, Promise<void>>() };
    this.#lanes.set(plugin, lane);
    if (lane.calls >= maxShadowCalls) return undefined;
    lane.calls += 1;
    const turn = about === undefined ? undefined : lane.turns.get(about);
    const over = (turn ?? nextTurnOfTheLoop()).then(call).then(() => {
      lane.calls -= 1;
      if (lane.turns.get(about) === over) lane.turns.delete(about);
      this.#underWay.delete(over);
    });
    if (about !== undefined) lane.turns.set(about, over);
    this.#underWay.add(over);
    inBackground("a call of a plugin in shadow mode", () => over);
    return over;
  }

  /** Resolves when none is under way any more. */
  async over(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
