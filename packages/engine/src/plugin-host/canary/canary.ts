import { EngineError } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { pointNames, type PointName } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance, PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { ended } from "../../ended.ts";
import { CallFailure } from "../call-runner.ts";
import { isNotListening } from "../installed/hand-shake.ts";
import type {
  CallOfSlot,
  CanaryFacts,
  CanaryVersion,
  ChainLink,
  MakeCall,
  PluginRegistry,
  PluginSlot,
} from "../plugin-registry.ts";
import type { CanaryOptions } from "./canary-options.ts";
import { CanaryTally, limitText } from "./canary-tally.ts";
import { repeatable } from "./repeatable-request.ts";
import { isPerCall } from "./same-points.ts";

export interface CanaryDeps {
  instance: PluginInstance;
  options: CanaryOptions;
  /** By its points at which it takes calls. */
  links: ReadonlyMap<PointName, ChainLink>;
  /** Milliseconds since the epoch. */
  since: number;
  /** From 0 to below 1. */
  random: () => number;
  warn: (message: string) => void;
  /** Told once that it passed a limit, and which. */
  passed: (reason: string) => void;
}

/** How long the end of a process may take to be heard of after that of its connection; nobody waits meanwhile. */
const heardWithinMs = 2000;

/**
 * A new version that takes a share of its plugin's calls. A call that it fails is made once more, of the plugin's own version: nothing of
 * a call is in force before it is settled. Calls are counted until one passes a limit.
 */
export class Canary implements CanaryVersion {
  readonly instance: PluginInstance;
  /** Milliseconds since the epoch: when it becomes the plugin's version by itself. */
  promoteAt: number | undefined;
  readonly #deps: CanaryDeps;
  readonly #tally: CanaryTally;
  /** Resolved at the next one. */
  #crash = Promise.withResolvers<void>();
  #isOver = false;

  constructor(deps: CanaryDeps) {
    this.#deps = deps;
    this.instance = deps.instance;
    this.#tally = new CanaryTally(deps.options);
    this.instance.onCrash?.((how) => this.#crashed(how));
  }

  /** Whether it was called at all, and its process is not just being started again. */
  get hasShown(): boolean {
    return this.#tally.calls > 0 && this.instance.isReady !== false;
  }

  get facts(): CanaryFacts {
    const { options, since } = this.#deps;
    const { sharePercent, failures, maxMs } = options;
    return {
      Version: this.instance.manifest.version,
      Share: `${sharePercent}%`,
      Since: new Date(since).toISOString(),
      Calls: this.#tally.calls,
      Failures: this.#tally.failures,
      SlowCalls: this.#tally.slowCalls,
      Crashes: this.#tally.crashes,
      FailureLimit: limitText(failures),
      MaxMs: maxMs ?? null,
      PromoteAt: this.promoteAt === undefined ? null : new Date(this.promoteAt).toISOString(),
    };
  }

  async answer<P extends PointName, R>(call: CallOfSlot<P>, make: MakeCall<P, R>): Promise<R | undefined> {
    const { random, options } = this.#deps;
    const { point, link, request } = call;
    const own = this.#deps.links.get(point);
    if (own === undefined || random() * 100 >= options.sharePercent) return make(link, request);
    const copy = await repeatable(point, request);
    return this.#takes(own) ? this.#tried(own, call, copy, make) : make(link, copy());
  }

  /** Whether it gets a call of this link now. What it does not get says nothing of it. */
  #takes({ breaker }: ChainLink): boolean {
    return this.instance.isReady !== false && !breaker.refuses(this.instance.incarnation);
  }

  async #tried<P extends PointName, R>(
    own: ChainLink,
    { link, signal }: CallOfSlot<P>,
    copy: () => PointRequest<P>,
    make: MakeCall<P, R>,
  ): Promise<R | undefined> {
    const started = performance.now();
    const crash = this.#crash.promise;
    try {
      const result = await make(own, copy());
      this.#answered(performance.now() - started);
      return result;
    } catch (error) {
      // Of a caller who went away it says nothing.
      if (signal?.aborted === true) throw error;
      if (error instanceof CallFailure && error.isRefusal) {
        this.#answered(performance.now() - started);
        throw error;
      }
      this.#failed(EngineError.from(error), crash);
      return make(link, copy());
    }
  }

  #answered(durationMs: number): void {
    this.#tally.answered(durationMs);
    this.#judge();
  }

  #failed(failure: EngineError, crash: Promise<void>): void {
    const { version } = this.instance.manifest;
    this.#deps.warn(`its canary ${version} failed, and the version before it was asked instead: ${failure.message}`);
    inBackground("counting a call that a canary failed", async () => {
      // Nobody was there to get it.
      if (isNotListening(failure.cause)) return;
      const isCutOff =
        failure.kind === "unavailable" && this.instance.onCrash !== undefined && (await ended(crash, heardWithinMs));
      if (isCutOff) this.#tally.cutOff();
      else this.#tally.failed(failure.message);
      this.#judge();
    });
  }

  #crashed(how: string): void {
    this.#tally.crashed(how);
    this.#crash.resolve();
    this.#crash = Promise.withResolvers();
    this.#judge();
  }

  #judge(): void {
    const reason = this.#isOver ? undefined : this.#tally.passed;
    if (reason === undefined) return;
    this.#isOver = true;
    this.#deps.passed(reason);
  }
}

/** How an instance beside the one in a slot is called; what it fails that one answers, whatever failure policy it has. */
export function linksOf(registry: PluginRegistry, slot: PluginSlot, instance: PluginInstance): ReadonlyMap<PointName, ChainLink> {
  const links = new Map<PointName, ChainLink>();
  for (const point of pointNames.filter(isPerCall)) {
    const link = registry.linkTo(instance, point, slot);
    if (link !== undefined) links.set(point, { ...link, instance, settings: { ...link.settings, failurePolicy: "fail" } });
  }
  return links;
}
