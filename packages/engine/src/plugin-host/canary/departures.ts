import { inBackground } from "@pouchcontainer/owners";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import type { LeavingVersions } from "../leaving-versions.ts";
import type { PluginSlot } from "../plugin-registry.ts";
import { drainMs } from "../plugin-switch.ts";

interface Departure {
  readonly name: string;
  /** Calls that are under way are waited for no longer. */
  readonly hurry: AbortController;
  readonly done: Promise<void>;
}

/** Versions that take no more calls, until those under way have ended in them and they are closed. */
export class Departures {
  readonly #departures = new Set<Departure>();
  readonly #leaving: LeavingVersions;

  constructor(leaving: LeavingVersions) {
    this.#leaving = leaving;
  }

  begin(slot: PluginSlot, instance: PluginInstance, close: () => Promise<void>): void {
    const hurry = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const departure = { name: slot.name, hurry, done };
    this.#departures.add(departure);
    inBackground("taking a canary back", async () => {
      try {
        await this.#leaving.drained(slot, instance, drainMs, hurry.signal);
        await close();
      } finally {
        this.#departures.delete(departure);
        resolve();
      }
    });
  }

  /** Resolves when those of a plugin, or all, are closed. `hurry`: from when calls under way are waited for no longer. */
  async over(name?: string, hurry?: AbortSignal): Promise<void> {
    const concerned = [...this.#departures].filter((one) => name === undefined || one.name === name);
    const hurryUp = (): void => {
      for (const one of concerned) one.hurry.abort();
    };
    if (hurry?.aborted === true) hurryUp();
    hurry?.addEventListener("abort", hurryUp, { once: true });
    await Promise.all(concerned.map(({ done }) => done));
    hurry?.removeEventListener("abort", hurryUp);
  }
}
