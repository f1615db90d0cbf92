import { conflict, EngineError, messageChain } from "@pouchcontainer/errors";
import { equalJson, type PluginInstance, type PluginSet, type WantedPlugin } from "@pouchcontainer/plugin-sdk/host";
import type { PluginRecord } from "./plugin-record.ts";
import { differenceOf, type SetDifference } from "./plugin-set-difference.ts";
import { SetPlan, type SetChange, type SetPlanDeps } from "./plugin-set-plan.ts";
import type { StateFolders } from "./state-folders.ts";

export interface PluginSetsDeps extends SetPlanDeps {
  /** In the turn of each of these plugins. */
  exclusive: <T>(names: readonly string[], work: () => Promise<T>) => Promise<T>;
  /** See `PluginSwitch`. */
  startFor: (record: PluginRecord | undefined) => Promise<PluginInstance | undefined>;
  /** Makes a plugin what a record says, `undefined` for none, and durable by `keep`; a failure leaves it as it was. */
  become: (name: string, record: PluginRecord | undefined, keep: () => Promise<void>, started?: PluginInstance) => Promise<void>;
  order: () => readonly string[];
  /** As part of a change. */
  setOrder: (names: readonly string[]) => Promise<void>;
  states: StateFolders;
  /** A change is in force: the folder of before is nobody's any more, nor is the state of a plugin that is gone. In the plugin's turn. */
  settled: (change: SetChange) => Promise<void>;
  warn: (plugin: string, message: string) => void;
}

/** What came of a set, or would. */
export interface SetReport {
  changed: SetDifference[];
  /** Where another order decides between equal priorities. */
  order?: { from: readonly string[]; to: readonly string[] };
}

/** The same of one that was applied plugin by plugin. */
export interface EachReport extends SetReport {
  failed: { name: string; error: EngineError }[];
}

/** How a set is applied plugin by plugin. */
export interface EachOptions {
  /** Aborts when nothing more is to be fetched from registries and npm: what was not is a failure. */
  fetching?: AbortSignal;
  /** Waits for the work on one plugin. */
  within?: (wanted: WantedPlugin, work: () => Promise<void>) => Promise<void>;
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
  async applyEach(set: PluginSet, { fetching, within = (_wanted, work) => work() }: EachOptions = {}): Promise<EachReport> {
    const report: EachReport = { changed: [], failed: [] };
    const attempt = async (name: string, find: () => Promise<SetChange | undefined>): Promise<void> => {
      try {
        const change = await find();
        if (change === undefined) return;
        const make = async (): Promise<void> => {
          this.#checkUnchanged(change);
          await this.#make(change);
          await this.#deps.settled(change);
        };
        await this.#deps.exclusive([change.name], make).catch(async (error: unknown) => {
          await this.#plan.discard(change);
          throw error;
        });
        report.changed.push(differenceOf(change));
      } catch (error) {
        this.#deps.calledOff?.throwIfAborted();
        report.failed.push({ name, error: EngineError.from(error) });
      }
    };
    for (const wanted of set.plugins) {
      const failures = report.failed.length;
      await within(wanted, () => attempt(wanted.name, () => this.#plan.changeOf(wanted, fetching)));
      // Whatever else is wrong with it: one that is to be kept out is.
      if (report.failed.length > failures) await attempt(wanted.name, async () => this.#plan.disabling(wanted));
    }
    for (const change of this.#plan.others(set)) await attempt(change.name, async () => change);
    const order = this.#orderOf(set);
    if (order !== undefined) await this.#deps.exclusive(order.to, () => this.#deps.setOrder(order.to));
    return report;
  }

  /** All of it or nothing: what fails leaves the plugins as they were. With `dryRun` it is only looked at what it would change. */
  async applyAll(set: PluginSet, { dryRun = false } = {}): Promise<SetReport> {
    const changes: SetChange[] = [];
    try {
      for (const wanted of set.plugins) {
        const change = await this.#plan.changeOf(wanted);
        if (change !== undefined) changes.push(change);
      }
      changes.push(...this.#plan.others(set));
      const order = this.#orderOf(set);
      if (dryRun) await this.#discardAll(changes);
      else {
        const concerned = [...changes.map(({ name }) => name), ...(order?.to ?? [])];
        await this.#deps.exclusive(concerned, () => this.#makeAll(changes, order));
      }
      return { changed: changes.map(differenceOf), ...(order === undefined ? {} : { order }) };
    } catch (error) {
      await this.#discardAll(changes);
      throw error;
    }
  }

  /** What is new runs before anything changes: of a set with a plugin that does not start nothing was in force. */
  async #makeAll(changes: readonly SetChange[], order: SetReport["order"]): Promise<void> {
    const started = new Map<SetChange, PluginInstance>();
    const made: SetChange[] = [];
    try {
      for (const change of changes) {
        this.#checkUnchanged(change);
        const instance = change.action === "move" ? undefined : await this.#deps.startFor(change.to);
        if (instance !== undefined) started.set(change, instance);
      }
      for (const change of changes) {
        const instance = started.get(change);
        started.delete(change);
        await this.#make(change, instance);
        made.push(change);
      }
      if (order !== undefined) await this.#deps.setOrder(order.to);
    } catch (error) {
      const left = await this.#undoAll(made.toReversed());
      for (const [{ name }, instance] of started) await this.#close(name, instance);
      if (left.length === 0) throw error;
      const { kind, message, details } = EngineError.from(error);
      throw new EngineError(kind, [message, ...left].join("; "), { cause: error, details });
    }
    for (const change of changes) await this.#deps.settled(change);
  }

  /** What could not be undone, in words. What is in force after all is as good as made. */
  async #undoAll(changes: readonly SetChange[]): Promise<string[]> {
    const left: string[] = [];
    for (const change of changes) {
      const { name, to } = change;
      try {
        await this.#undo(change);
      } catch (error) {
        const problem = messageChain(error);
        this.#deps.warn(name, `it could not be put back as it was before the set that failed: ${problem}`);
        left.push(`plugin ${name} could not be put back as it was: ${problem}`);
        if (equalJson(this.#deps.records.get(name) ?? null, to ?? null)) await this.#deps.settled(change);
      }
    }
    return left;
  }

  async #undo({ name, action, from }: SetChange): Promise<void> {
    // Without a record a compiled-in plugin is called.
    const before = from ?? (this.#deps.isBuiltin(name) ? { name, enabled: true } : undefined);
    const keep = (): Promise<void> => this.#keep(name, from);
    await (action === "move" ? keep() : this.#deps.become(name, before, keep));
  }

  async #discardAll(changes: readonly SetChange[]): Promise<void> {
    for (const change of changes) await this.#plan.discard(change);
  }

  async #close(name: string, instance: PluginInstance): Promise<void> {
    try {
      await instance.close();
    } catch (error) {
      this.#deps.warn(name, `the process that was started for a set that failed did not end: ${messageChain(error)}`);
    }
  }

  async #make(change: SetChange, started?: PluginInstance): Promise<void> {
    const { name, to, action } = change;
    if (action === "move") await this.#keep(name, to);
    else await this.#deps.become(name, to, () => this.#keep(name, to), started);
  }

  #checkUnchanged({ name, from }: SetChange): void {
    if (!equalJson(this.#deps.records.get(name) ?? null, from ?? null))
      throw conflict(`plugin ${name} was changed while its set was read: apply it again`);
  }

  async #keep(name: string, record: PluginRecord | undefined): Promise<void> {
    const { records, states, isBuiltin } = this.#deps;
    if (record === undefined && !isBuiltin(name)) await states.leaves(name);
    await (record === undefined ? records.delete(name) : records.put(name, record));
  }

  /** Those of the set in its order, the others after them as they were; undefined where that is so. */
  #orderOf({ plugins }: PluginSet): SetReport["order"] {
    const from = this.#deps.order();
    const named = plugins.map(({ name }) => name);
    if (
      equalJson(
        from.filter((name) => named.includes(name)),
        named,
      )
    )
      return undefined;
    return { from, to: [...named, ...from.filter((name) => !named.includes(name))] };
  }
}
