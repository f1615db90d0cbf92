import { conflict, EngineError } from "@pouchcontainer/errors";
import { equalJson, type PluginSet } from "@pouchcontainer/plugin-sdk/host";
import { discard, SetPlan, type SetAction, type SetChange, type SetPlanDeps } from "./plugin-set-plan.ts";
import type { PluginRecord } from "./plugin-record.ts";

export interface PluginSetsDeps extends SetPlanDeps {
  exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  /** Makes a plugin what a record says, `undefined` for none, and durable by `keep`; a failure leaves it as it was. */
  become: (name: string, record: PluginRecord | undefined, keep: () => Promise<void>) => Promise<void>;
  order: () => readonly string[];
  setOrder: (names: readonly string[]) => Promise<void>;
  /** A change is in force: the folder of before is nobody's any more. */
  settled: (change: SetChange) => Promise<void>;
}

/** What came of a set. */
export interface SetReport {
  changed: { name: string; action: SetAction }[];
  failed: { name: string; error: EngineError }[];
}

/** Brings the plugins there are to what a set says of them. A set that holds already changes nothing. */
export class PluginSets {
  readonly #deps: PluginSetsDeps;
  readonly #plan: SetPlan;

  constructor(deps: PluginSetsDeps) {
    this.#deps = deps;
    this.#plan = new SetPlan(deps);
  }

  /** Each plugin for itself: one that cannot be as it is wanted stays as it was, and the others go on. */
  async applyEach(set: PluginSet): Promise<SetReport> {
    const report: SetReport = { changed: [], failed: [] };
    const attempt = async (name: string, find: () => Promise<SetChange | undefined>): Promise<void> => {
      try {
        const change = await find();
        if (change === undefined) return;
        await this.#deps.exclusive(() => this.#make(change));
        report.changed.push({ name, action: change.action });
      } catch (error) {
        report.failed.push({ name, error: EngineError.from(error) });
      }
    };
    for (const wanted of set.plugins) {
      const failures = report.failed.length;
      await attempt(wanted.name, () => this.#plan.changeOf(wanted));
      // Whatever else is wrong with it: one that is to be kept out is.
      if (report.failed.length > failures) await attempt(wanted.name, async () => this.#plan.disabling(wanted));
    }
    for (const change of this.#plan.others(set)) await attempt(change.name, async () => change);
    await this.#orderAs(set);
    return report;
  }

  async #make(change: SetChange): Promise<void> {
    const { name, from, to, action } = change;
    try {
      if (!equalJson(this.#deps.records.get(name) ?? null, from ?? null))
        throw conflict(`plugin ${name} was changed while its set was read: apply it again`);
      if (action === "move") await this.#keep(name, to);
      else await this.#deps.become(name, to, () => this.#keep(name, to));
    } catch (error) {
      await discard(change);
      throw error;
    }
    await this.#deps.settled(change);
  }

  async #keep(name: string, record: PluginRecord | undefined): Promise<void> {
    const { records } = this.#deps;
    await (record === undefined ? records.delete(name) : records.put(name, record));
  }

  /** Those of the set in its order, the others after them as they were. */
  async #orderAs({ plugins }: PluginSet): Promise<void> {
    const named = plugins.map(({ name }) => name).filter((name) => this.#plan.isThere(name));
    const before = this.#deps.order();
    if (
      equalJson(
        before.filter((name) => named.includes(name)),
        named,
      )
    )
      return;
    await this.#deps.setOrder([...named, ...before.filter((name) => !named.includes(name) && this.#plan.isThere(name))]);
  }
}
