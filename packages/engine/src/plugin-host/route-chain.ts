import type { HandlerSpec } from "@pouchcontainer/api";
import type { PluginInstance, PointAnswer } from "@pouchcontainer/plugin-sdk/host";
import type { CallRunner, Settled } from "./call-runner.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { boundedTable, checkTable, refusing, splitTable } from "./handler-table.ts";
import { isGuest } from "./late-failures.ts";
import { LentRoutes } from "./lent-routes.ts";
import { passedBy } from "./passed-by.ts";
import type { PluginRegistry } from "./plugin-registry.ts";
import { unserved } from "./shadow/shadow-request.ts";

export interface RouteChainDeps {
  registry: PluginRegistry;
  runner: CallRunner;
}

/** `api.updateHandler`: the route table on its way from plugin to plugin. */
export class RouteChain {
  readonly #deps: RouteChainDeps;
  /** Those that had a say in the table that was built last. */
  #routing: readonly PluginInstance[] = [];

  constructor(deps: RouteChainDeps) {
    this.#deps = deps;
  }

  /** See `PluginHost.updateHandlers`. */
  async change(handlers: readonly HandlerSpec[]): Promise<HandlerSpec[]> {
    const { registry, runner } = this.#deps;
    let table = [...handlers];
    const links = registry.chain("api.updateHandler");
    this.#routing = links.flatMap(({ slot }) => (slot.mode === "active" && slot.instance) || []);
    for (const link of links) {
      const before = link.slot.mode === "active" ? table : unserved(table);
      const { shown, hidden } = splitTable(before, link.settings.filters);
      const { instance, name } = link.slot;
      const enter = instance !== undefined && isGuest(instance) ? runner.enterRoute(link) : undefined;
      const lent = new LentRoutes(shown, { name, enter, isLimited: link.guard.isLimited, isShadow: link.slot.mode === "shadow" });
      const settle = (answer: PointAnswer<"api.updateHandler">): Settled<HandlerSpec[]> => {
        const answered = boundedTable(before, answer.handlers);
        const { table: after, patch } = checkTable(before, [...lent.takenBack(answered), ...hidden]);
        link.guard.rerouted(patch);
        lent.accept(patch);
        return { result: after, patch };
      };
      try {
        const request = { handlers: lent.shown };
        const after = await runner.run("api.updateHandler", link, request, {}, settle, { shown: {} });
        table = after === undefined ? table : passedBy(link.slot, table, after);
      } catch (error) {
        if (!(link.slot.instance instanceof FailedPlugin)) throw error;
        table = passedBy(link.slot, table, [...refusing(shown, error), ...hidden]);
      }
    }
    return table;
  }

  /** The table that `change` made last is in use. */
  served(): void {
    for (const instance of this.#routing) instance.routesServed?.();
  }
}
