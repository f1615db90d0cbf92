import type { PluginCanary } from "@pouchcontainer/api";
import { conflict, notFound } from "@pouchcontainer/errors";
import { pointNames, type PluginManifest, type PointName, type ResolvedPoint } from "@pouchcontainer/plugin-sdk";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { compileFilters, type Filter } from "./filters.ts";
import { ObservedPermissions } from "./permissions/observed-permissions.ts";
import { PermissionGuard } from "./permissions/permission-guard.ts";
import type { PluginInstance, PointRequest } from "@pouchcontainer/plugin-sdk/host";
import type { PluginMode } from "./shadow/plugin-mode.ts";

/** One plugin's place in the chain of one point. */
export interface ChainLink {
  readonly slot: PluginSlot;
  readonly settings: ResolvedPoint;
  readonly filter: Filter | undefined;
  readonly breaker: CircuitBreaker;
  readonly guard: PermissionGuard;
  /** The version that all of this is of. */
  readonly version: PluginInstance;
  /** The plugin's place in the chain as it is now; undefined where it has none any more. */
  readonly now: () => ChainLink | undefined;
  /** Which is called. Default: the one in the slot. */
  readonly instance?: PluginInstance;
}

/**
 * The links of a chain, each as it is when its turn comes: of a plugin that was exchanged while another was asked that of its new version.
 * One that is gone, or has left the point, is left out.
 */
export function* inTurn(links: readonly ChainLink[]): Generator<ChainLink, void, undefined> {
  for (const link of links) {
    const now = asItIsNow(link);
    if (now !== undefined) yield now;
  }
}

/** Versions, settings and permissions belong together: none is used with those of another. */
export function asItIsNow(link: ChainLink): ChainLink | undefined {
  return link.instance !== undefined || link.slot.instance === link.version ? link : link.now();
}

/** A call that is to be made of whatever version of a plugin. */
export interface CallOfSlot<P extends PointName> {
  readonly point: P;
  readonly link: ChainLink;
  readonly request: PointRequest<P>;
  readonly signal: AbortSignal | undefined;
}

/** Makes a call by a link; rejects when it fails, unless that is to be ignored. */
export type MakeCall<P extends PointName, R> = (by: ChainLink, request: PointRequest<P>) => Promise<R | undefined>;

/** What is told of it, but what it may do. */
export type CanaryFacts = Omit<PluginCanary, "Permissions">;

/** A new version that is tried beside the one in a slot. */
export interface CanaryVersion {
  readonly facts: CanaryFacts;
  /** Makes a call of itself or of the slot's own version; of that also where it fails itself. */
  answer<P extends PointName, R>(call: CallOfSlot<P>, make: MakeCall<P, R>): Promise<R | undefined>;
}

/** A plugin's place in the daemon; the instance in it may be swapped while calls run. */
export class PluginSlot {
  readonly name: string;
  /** Undefined once the plugin is gone: links that were taken before skip it. */
  instance: PluginInstance | undefined;
  /** Takes a share of the calls. */
  canary: CanaryVersion | undefined;
  mode: PluginMode;
  readonly #inFlight = new Map<PluginInstance, number>();
  readonly #givenUp = new WeakMap<PluginInstance, string>();
  #idle: (() => void)[] = [];

  constructor(instance: PluginInstance, mode: PluginMode) {
    this.name = instance.manifest.name;
    this.instance = instance;
    this.mode = mode;
  }

  get callsInFlight(): number {
    let calls = 0;
    for (const count of this.#inFlight.values()) calls += count;
    return calls;
  }

  callsIn(instance: PluginInstance): number {
    return this.#inFlight.get(instance) ?? 0;
  }

  enter(instance: PluginInstance): void {
    this.#inFlight.set(instance, this.callsIn(instance) + 1);
  }

  leave(instance: PluginInstance): void {
    const calls = (this.#inFlight.get(instance) ?? 1) - 1;
    if (calls > 0) this.#inFlight.set(instance, calls);
    else {
      this.#inFlight.delete(instance);
      for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** Enters the instance, and leaves it when what is returned is called for the first time. */
  hold(instance: PluginInstance): () => void {
    this.enter(instance);
    let isHeld = true;
    return () => {
      if (isHeld) this.leave(instance);
      isHeld = false;
    };
  }

  /** Calls that run in the instance are waited for no longer, and end as its process does. */
  giveUp(instance: PluginInstance, reason: string): void {
    this.#givenUp.set(instance, reason);
  }

  /** Why calls in the instance were given up; undefined where they were not. */
  whyGivenUp(instance: PluginInstance): string | undefined {
    return this.#givenUp.get(instance);
  }

  /** Resolves when no call runs in the instance any more. */
  async drained(instance: PluginInstance): Promise<void> {
    while (this.#inFlight.has(instance)) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

/**
 * Which plugins there are, and the chain of each point. Chains are made anew at every change and swapped in one step with what they are made
 * of: a change that fails has changed nothing.
 */
export class PluginRegistry {
  #slots: ReadonlyMap<string, PluginSlot> = new Map();
  readonly #now: () => number;
  #order: readonly string[];
  #chains = new Map<PointName, readonly ChainLink[]>();
  readonly #breakers = new WeakMap<PluginInstance, Map<PointName, CircuitBreaker>>();
  readonly #observed = new WeakMap<PluginInstance, ObservedPermissions>();

  constructor(options: { now: () => number; order: readonly string[] }) {
    this.#now = options.now;
    this.#order = options.order;
  }

  /** The enabled plugins of a point, in order. */
  chain(point: PointName): readonly ChainLink[] {
    return this.#chains.get(point) ?? none;
  }

  /** A plugin's place in the chain of each of its points. */
  linksOf(name: string): [PointName, ChainLink][] {
    return pointNames.flatMap((point) =>
      this.chain(point).flatMap((link): [PointName, ChainLink][] => (link.slot.name === name ? [[point, link]] : [])),
    );
  }

  /** A call of an instance by itself, whether it is in the chains or not; undefined where it does not implement the point. */
  linkTo(instance: PluginInstance, point: PointName, slot: PluginSlot): ChainLink | undefined {
    return this.#link(slot, instance, point)[0];
  }

  get(name: string): PluginSlot | undefined {
    return this.#slots.get(name);
  }

  slots(): IterableIterator<PluginSlot> {
    return this.#slots.values();
  }

  add(instance: PluginInstance, mode: PluginMode = "active"): PluginSlot {
    const { name } = instance.manifest;
    if (this.#slots.has(name)) throw conflict(`a plugin named "${name}" is loaded already`);
    const slot = new PluginSlot(instance, mode);
    const slots = new Map(this.#slots).set(name, slot);
    this.#breakers.delete(instance);
    this.#chains = this.#chainsOf(slots, this.#order);
    this.#slots = slots;
    return slot;
  }

  /** Puts another instance into a plugin's slot and returns the one that was there. Default: in the mode of before. */
  swap(instance: PluginInstance, mode?: PluginMode): PluginInstance {
    const slot = this.#slots.get(instance.manifest.name);
    if (slot?.instance === undefined) throw notFound(`plugin "${instance.manifest.name}" is not loaded`);
    const old = slot.instance;
    this.#chains = this.#chainsOf(this.#slots, this.#order, { slot, instance });
    slot.instance = instance;
    slot.mode = mode ?? slot.mode;
    return old;
  }

  remove(name: string): PluginSlot {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw notFound(`plugin "${name}" is not loaded`);
    const slots = new Map(this.#slots);
    slots.delete(name);
    this.#chains = this.#chainsOf(slots, this.#order);
    this.#slots = slots;
    return slot;
  }

  /** The configured order, which decides between equal priorities. Plugins that it does not name come after, by name. */
  get order(): readonly string[] {
    return this.#order;
  }

  reorder(names: readonly string[]): void {
    const order = [...names];
    this.#chains = this.#chainsOf(this.#slots, order);
    this.#order = order;
  }

  /** `swap`: the instance that is going to be in a slot. */
  #chainsOf(slots: ReadonlyMap<string, PluginSlot>, order: readonly string[], swap?: Swap): Map<PointName, readonly ChainLink[]> {
    const chains = new Map<PointName, readonly ChainLink[]>();
    for (const point of pointNames) {
      const links = [...slots.values()].flatMap((slot) =>
        this.#link(slot, slot === swap?.slot ? swap.instance : slot.instance, point),
      );
      if (links.length > 0)
        chains.set(
          point,
          links.toSorted((a, b) => compareLinks(a, b, order)),
        );
    }
    return chains;
  }

  #link(slot: PluginSlot, instance: PluginInstance | undefined, point: PointName): ChainLink[] {
    const settings = instance?.manifest.points[point];
    if (instance === undefined || settings === undefined) return [];
    return [
      {
        slot,
        settings,
        filter: compileFilters(settings.filters),
        breaker: this.#breaker(instance, point),
        guard: new PermissionGuard(point, instance.manifest, this.observedOf(instance)),
        version: instance,
        now: () => this.chain(point).find((link) => link.slot === slot),
      },
    ];
  }

  /** What an instance did since it was started. */
  observedOf(instance: PluginInstance): ObservedPermissions {
    const observed = this.#observed.get(instance) ?? new ObservedPermissions();
    this.#observed.set(instance, observed);
    return observed;
  }

  /** A breaker belongs to the code it watches: a new version, and one that was out, starts with a closed circuit; a new order changes nothing. */
  #breaker(instance: PluginInstance, point: PointName): CircuitBreaker {
    const breakers = this.#breakers.get(instance) ?? new Map<PointName, CircuitBreaker>();
    this.#breakers.set(instance, breakers);
    const breaker = breakers.get(point) ?? new CircuitBreaker({ now: this.#now });
    breakers.set(point, breaker);
    return breaker;
  }
}

interface Swap {
  slot: PluginSlot;
  instance: PluginInstance;
}

function compareLinks(a: ChainLink, b: ChainLink, order: readonly string[]): number {
  return (
    b.settings.priority - a.settings.priority ||
    rankIn(order, a.slot.name) - rankIn(order, b.slot.name) ||
    compareText(a.slot.name, b.slot.name)
  );
}

function rankIn(order: readonly string[], name: string): number {
  const index = order.indexOf(name);
  return index === -1 ? Number.MAX_SAFE_INTEGER : index;
}

const none: readonly ChainLink[] = [];

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The biggest priority a plugin has at any point, for lists. */
export function topPriority(manifest: PluginManifest): number {
  const priorities = Object.values(manifest.points).map((point) => point.priority);
  return priorities.length === 0 ? 0 : Math.max(...priorities);
}
