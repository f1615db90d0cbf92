import { invalidArgument } from "@pouchcontainer/errors";
import type { Collection } from "../store/index.ts";
import type { PluginHost } from "./plugin-host.ts";
import type { PluginOrderRecord } from "./plugin-record.ts";
import type { PluginSwitch } from "./plugin-switch.ts";
import type { PluginTurns } from "./plugin-turns.ts";

export interface PluginOrderDeps {
  host: PluginHost;
  orders: Collection<PluginOrderRecord>;
  turns: PluginTurns;
  switch: PluginSwitch;
}

/** The order that decides between equal priorities, from the next chain on and across restarts. */
export class PluginOrder {
  readonly #deps: PluginOrderDeps;

  constructor(deps: PluginOrderDeps) {
    this.#deps = deps;
  }

  get names(): string[] {
    return [...this.#deps.host.registry.order];
  }

  /** In the turns of those it names. */
  async set(refs: readonly string[]): Promise<void> {
    const { turns } = this.#deps;
    const change = async (): Promise<void> => {
      const order = refs.map((ref) => turns.resolve(ref));
      if (new Set(order).size !== order.length) throw invalidArgument("a plugin is named twice in the order");
      await this.become(order);
    };
    await turns.take(
      refs.map((ref) => turns.keyOf(ref)),
      change,
    );
  }

  /** As part of a change. */
  async become(names: readonly string[]): Promise<void> {
    await this.#deps.switch.reorder(names, () => this.#deps.orders.put("order", { order: [...names] }));
  }
}
