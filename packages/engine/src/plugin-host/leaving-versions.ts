import type { PluginLeaving } from "@pouchcontainer/api";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { setTimeout as sleep } from "node:timers/promises";
import type { PluginSlot } from "./plugin-registry.ts";

interface Leaving {
  readonly slot: PluginSlot;
  readonly instance: PluginInstance;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Versions of plugins that take no more calls, while calls that run in them are waited for. */
export class LeavingVersions {
  readonly #leaving = new Set<Leaving>();
  readonly #now: () => number;

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves when no call runs in an instance any more, or nobody waits for that any longer. */
  async drained(slot: PluginSlot, instance: PluginInstance, atMostMs: number, hurry: AbortSignal): Promise<void> {
    const leaving = { slot, instance, until: this.#now() + atMostMs };
    this.#leaving.add(leaving);
    const late = sleep(atMostMs, undefined, { ref: false, signal: hurry }).catch(() => undefined);
    await Promise.race([slot.drained(instance), late]);
    if (slot.callsIn(instance) > 0)
      slot.giveUp(instance, `its plugin was ${hurry.aborted ? "taken out by force" : "taken out or replaced"} while it ran`);
    this.#leaving.delete(leaving);
  }

  /** Those of a plugin in which calls run. */
  of(name: string): PluginLeaving[] {
    return [...this.#leaving].flatMap(({ slot, instance, until }) => {
      const calls = slot.name === name ? slot.callsIn(instance) : 0;
      if (calls === 0) return [];
      return [{ Version: instance.manifest.version, Calls: calls, Until: new Date(until).toISOString() }];
    });
  }
}
