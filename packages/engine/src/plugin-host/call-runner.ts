import { EngineError, isKind, messageChain, unavailable } from "@pouchcontainer/errors";
import type { Awaitable, PluginLog, PointName } from "@pouchcontainer/plugin-sdk";
import type { ChainContext } from "./chains.ts";
import { describeConflict, type Conflict } from "./conflicts.ts";
import { Deadline } from "./deadline.ts";
import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { entryOf, isRefusal, readThrown } from "@pouchcontainer/plugin-sdk/host";
import type { InvokeContext, PluginInstance, PointAnswer, PointRequest } from "@pouchcontainer/plugin-sdk/host";
import type { CallJournal, JournaledCall } from "./journal/journaled-call.ts";
import { enterNothing, isGuest, LateFailures, type Enter, type GuestPlace } from "./late-failures.ts";
import { maskedFailure, maskedWords } from "./masked-failure.ts";
import { asItIsNow, type ChainLink } from "./plugin-registry.ts";
import { maxShadowCalls, ShadowCalls } from "./shadow/shadow-calls.ts";
import { shadowRequest, Withheld } from "./shadow/shadow-request.ts";
import type { CallOutcome, PluginTrace, TraceEntry } from "./trace.ts";

/** Hears of every finished call: metrics, spans. Must not throw. */
export interface PluginObserver {
  called(entry: TraceEntry): void;
  /** An error of a plugin's code in this process was caught by nobody. */
  failedLate?(plugin: string, place: GuestPlace): void;
}

/** What happened to a plugin, for the daemon's event stream. */
export interface PluginEvent {
  action: string;
  plugin: string;
  attributes: Record<string, string>;
}

/** The failure of a call, as it reaches whoever asked for what the call is part of. */
export class CallFailure extends EngineError {
  /** Whether the plugin said no, rather than failed: what the daemon finds wrong with an answer has that kind too, and is the plugin's failure. */
  readonly isRefusal: boolean;

  constructor({ kind, message, details, cause }: EngineError, isRefusing: boolean) {
    super(kind, message, { details, cause });
    this.isRefusal = isRefusing;
  }
}

export interface CallRunnerDeps {
  now: () => number;
  trace: PluginTrace;
  observers: readonly PluginObserver[];
  events: { publish(event: PluginEvent): void };
  /** The daemon's log for one plugin. */
  logOf: (plugin: string) => PluginLog;
  /** Default: calls are not kept to be made again. */
  journal?: CallJournal | undefined;
}

/** What a plugin sees of a request, in copies out of its reach: what it makes of the request itself is nothing to look at. */
export interface Views {
  /** What it gets to read: its secrets are masked in a failure. */
  shown: unknown;
  /** What it was given. Default: what is shown. */
  given?: unknown;
}

/** What a checked answer amounts to. */
export interface Settled<R> {
  result: R;
  patch?: PatchOperation[];
  /** Notes what it wrote for those that are called after it. An answer that came too late has written nothing. */
  note?: () => Conflict[];
}

/** Checks the answer of the version that a call was made of, by its link, and takes from it what the chain goes on with. */
type Settle<P extends PointName, R> = (answer: PointAnswer<P>, by: ChainLink) => Settled<R> | Promise<Settled<R>>;

/** Makes one call of one plugin: deadline, circuit, failure policy, trace, observers. */
export class CallRunner {
  readonly #deps: CallRunnerDeps;
  readonly #late: LateFailures;
  readonly #shadows = new ShadowCalls();

  constructor(deps: CallRunnerDeps) {
    this.#deps = deps;
    this.#late = new LateFailures(deps);
  }

  /**
   * Calls the plugin, or its canary where that takes the call. What `settle` throws counts as the plugin's failure.
   * Resolves to undefined when the plugin was left out: it is gone, it failed and its policy is to ignore that, or it is in shadow mode, and
   * its call runs beside the chain.
   */
  run<P extends PointName, R>(
    point: P,
    link: ChainLink,
    request: PointRequest<P>,
    context: ChainContext,
    settle: Settle<P, R>,
    { shown, given = shown }: Views,
  ): Promise<R | undefined> {
    const { canary } = link.slot;
    if (canary === undefined) return this.#run(point, link, request, context, settle, { shown, given });
    const call = { point, link, request, signal: context.signal };
    return canary.answer(call, (by, asked) => this.#run(point, by, asked, context, settle, { shown, given }));
  }

  async #run<P extends PointName, R>(
    point: P,
    asked: ChainLink,
    request: PointRequest<P>,
    context: ChainContext,
    settle: Settle<P, R>,
    { shown, given }: Required<Views>,
  ): Promise<R | undefined> {
    const link = asItIsNow(asked);
    if (link === undefined) return undefined;
    const { slot, instance = link.version } = link;
    const call = { point, link, instance, shown, given, context, startedAt: this.#deps.now(), started: performance.now() };
    if (slot.mode === "active") return this.#make(call, request, settle);
    await this.#beside(call, (shadow) => this.#make(shadow, shadowRequest(request, shadow.withheld), settle));
    return undefined;
  }

  /** Resolves when no call of a plugin in shadow mode is under way. */
  async shadowsOver(): Promise<void> {
    await this.#shadows.over();
  }

  /** Makes a call in shadow mode. Only at the plugin's own start and end, which are in no client's time, it is waited for. */
  async #beside<C extends Call>(call: C, make: (shadow: C & { withheld: Withheld }) => Promise<unknown>): Promise<void> {
    const { slot } = call.link;
    const { signal: _clients, ...context } = call.context;
    const isAwaited = entryOf(call.point).rule === "supervises";
    const withheld = new Withheld(this.#deps.logOf(slot.name));
    const leave = slot.hold(call.instance);
    const over = this.#shadows.begin(slot, context.containerId ?? context.calls, async () => {
      const begun = { startedAt: this.#deps.now(), started: performance.now() };
      await make({ ...call, ...begun, withheld, ...(isAwaited ? {} : { context }) }).finally(leave);
    });
    if (over === undefined) {
      leave();
      this.#record({ ...call, withheld }, "left-out", { error: `${maxShadowCalls} of its calls in shadow mode are under way` });
    } else if (isAwaited) await over;
  }

  /** What is thrown in shadow mode is recorded, and goes no further. */
  async #make<P extends PointName, R>(
    call: Call & { point: P },
    request: PointRequest<P>,
    settle: Settle<P, R>,
  ): Promise<R | undefined> {
    const { point, link, instance, context } = call;
    const { slot, settings, breaker } = link;
    const refusal = breaker.refusal(instance.incarnation);
    if (refusal !== undefined) return this.#failed(call, unavailable(refusal), "skipped");

    const enter = this.#enter(call);
    const deadline = new Deadline(settings.timeoutMs, context.signal, enter);
    slot.enter(instance);
    try {
      const invokeContext = this.#invokeContext(call, deadline);
      const limited = link.guard.limited(request);
      const invoke = (): Awaitable<PointAnswer<P>> => enter(() => instance.invoke(point, limited, invokeContext));
      const settled = await deadline.race(invokeAndSettle(invoke, (answer) => settle(answer, link)));
      const { result, patch = [], note } = settled;
      const conflicts = note === undefined ? [] : found(note);
      if (breaker.succeeded()) this.#circuit(link, point, "circuit-closed");
      this.#record(call, patch.length > 0 ? "changed" : "unchanged", { patch, conflicts });
      return result;
    } catch (thrown) {
      const isFound = Finding.is(thrown);
      const error = readThrown(isFound ? thrown.found : thrown);
      const isRefusing = !isFound && isRefusal(error);
      const whyGivenUp = isKind(error, "unavailable") ? slot.whyGivenUp(instance) : undefined;
      // That its process ended meanwhile is this daemon's doing, and no cause.
      if (whyGivenUp !== undefined) return this.#failed(call, unavailable(whyGivenUp), "failed");
      return this.#failed(call, error, isKind(error, "deadlineExceeded") ? "timeout" : "failed", isRefusing);
    } finally {
      slot.leave(instance);
    }
  }

  /** Code in this process is a guest: what it throws late opens its circuit at once, as there is no telling what state it is in. */
  #enter(call: Call): Enter {
    if (!isGuest(call.instance)) return enterNothing;
    const open = (words: string): void => this.#openLate(call.link, call.point, words);
    return this.#late.enter(call.link.slot.name, call.point, open, call.shown);
  }

  /** Runs a handler of a route that the plugin serves: the route's circuit is its table's, and that was made before. */
  enterRoute(link: ChainLink): Enter {
    return this.#late.enter(link.slot.name, "route");
  }

  /** Runs a plugin's module; `links` are those of the plugin, once it is called. */
  enterModule(plugin: string, links: () => readonly [PointName, ChainLink][]): Enter {
    return this.#late.enter(plugin, "module", (words) => {
      for (const [point, link] of links()) this.#openLate(link, point, words);
    });
  }

  #openLate(link: ChainLink, point: PointName, words: string): void {
    const opened = link.breaker.open(`an error of its code that nobody caught: ${words}`);
    if (opened) this.#circuit(link, point, "circuit-open");
  }

  #invokeContext(call: Call, deadline: Deadline): InvokeContext {
    const container = containerOf(call.context);
    return {
      get signal() {
        return deadline.signal;
      },
      log: this.#deps.logOf(call.link.slot.name),
      timeoutMs: deadline.timeoutMs,
      hold: () => call.link.slot.hold(call.instance),
      ...(container === undefined ? {} : { container }),
    };
  }

  #failed(call: Call, thrown: unknown, outcome: "failed" | "timeout" | "skipped", isRefusing = false): undefined {
    const { point, link, context } = call;
    const failure = maskedFailure(link.slot.name, point, thrown, call.shown);
    if (outcome !== "skipped") this.#judge(call, thrown);
    const ignore = link.settings.failurePolicy === "ignore" && context.signal?.aborted !== true;
    const isShadow = call.withheld !== undefined;
    const refuses = isShadow && isRefusal(thrown) && entryOf(point).rule !== "tells";
    this.#record(call, outcome === "skipped" ? outcome : ignore ? "ignored" : refuses ? "refused" : outcome, {
      error: failure.message,
    });
    if (!ignore && !isShadow) throw new CallFailure(failure, isRefusing);
    const why = isShadow ? "of no effect, as it is in shadow mode" : "ignored, as its failure policy says";
    if (outcome !== "skipped" && !refuses) this.#deps.logOf(link.slot.name).warn(`${failure.message}; ${why}`);
    return undefined;
  }

  /** What a call that threw says about the plugin: of a caller who went away nothing, and a plugin that refuses a request works. */
  #judge(call: Call, thrown: unknown): void {
    const { breaker } = call.link;
    if (call.context.signal?.aborted === true) breaker.undecided();
    else if (isRefusal(thrown)) {
      if (breaker.succeeded()) this.#circuit(call.link, call.point, "circuit-closed");
    } else if (breaker.failed(maskedWords(messageChain(thrown), call.shown)))
      this.#circuit(call.link, call.point, "circuit-open");
  }

  #record(call: Call, outcome: CallOutcome, facts: { patch?: PatchOperation[]; conflicts?: Conflict[]; error?: string }): void {
    const { conflicts = [], ...result } = facts;
    this.#keep(call, { outcome, ...result });
    const withheld = call.withheld?.what ?? [];
    const container = containerOf(call.context);
    const entry = this.#deps.trace.record({
      time: new Date(call.startedAt).toISOString(),
      plugin: call.link.slot.name,
      version: call.instance.manifest.version,
      point: call.point,
      durationMs: performance.now() - call.started,
      outcome,
      ...(call.withheld === undefined ? {} : { shadow: true as const }),
      ...(withheld.length === 0 ? {} : { withheld: [...withheld] }),
      ...(facts.patch === undefined || facts.patch.length === 0 ? {} : { patch: facts.patch }),
      ...(conflicts.length === 0 ? {} : { conflicts }),
      ...(facts.error === undefined ? {} : { error: facts.error }),
      ...(container === undefined ? {} : { container }),
    });
    if (call.context.calls !== undefined) this.#deps.trace.collect(call.context.calls, entry);
    for (const observer of this.#deps.observers) observer.called(entry);
    for (const one of entry.conflicts ?? []) {
      this.#deps.logOf(entry.plugin).warn(describeConflict(one));
      this.#deps.events.publish({
        action: "conflict",
        plugin: entry.plugin,
        attributes: { point: entry.point, field: one.field, with: one.first.plugin },
      });
    }
    const { conflictsCut } = entry;
    if (conflictsCut !== undefined)
      this.#deps.logOf(entry.plugin).warn(`${conflictsCut} more conflicts of this call are not shown`);
  }

  /** What did not get as far as an answer tells nothing of the plugin. */
  #keep(call: Call, result: Pick<JournaledCall, "outcome" | "patch" | "error">): void {
    const { point, link, instance, given, context, startedAt } = call;
    const { outcome } = result;
    if (outcome === "skipped" || outcome === "left-out" || context.signal?.aborted === true) return;
    const { version } = instance.manifest;
    const kept = { ...result, outcome: outcome === "refused" ? "failed" : outcome } as const;
    this.#deps.journal?.called({ startedAt, plugin: link.slot.name, version, point, given, context, ...kept });
  }

  #circuit({ slot, breaker }: ChainLink, point: PointName, action: "circuit-open" | "circuit-closed"): void {
    const message =
      breaker.opening === undefined
        ? `circuit closed: it is called again at ${point}`
        : `circuit opened at ${point}: ${breaker.opening}`;
    this.#deps.logOf(slot.name).warn(message);
    this.#deps.events.publish({ action, plugin: slot.name, attributes: { point } });
  }
}

interface Call {
  point: PointName;
  link: ChainLink;
  instance: PluginInstance;
  shown: unknown;
  given: unknown;
  context: ChainContext;
  startedAt: number;
  started: number;
  /** Of a call in shadow mode, and of no other. */
  withheld?: Withheld;
}

async function invokeAndSettle<P extends PointName, R>(
  invoke: () => Awaitable<PointAnswer<P>>,
  settle: (answer: PointAnswer<P>) => Settled<R> | Promise<Settled<R>>,
): Promise<Settled<R>> {
  const answer = await invoke();
  try {
    return await settle(answer);
  } catch (error) {
    throw new Finding(error);
  }
}

/** What the daemon finds wrong with an answer. */
class Finding {
  readonly #found: unknown;

  constructor(found: unknown) {
    this.#found = found;
  }

  get found(): unknown {
    return this.#found;
  }

  /** Tells it from whatever a plugin throws, without touching that. */
  static is(thrown: unknown): thrown is Finding {
    return typeof thrown === "object" && thrown !== null && #found in thrown;
  }
}

function found<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Finding(error);
  }
}

function containerOf(context: ChainContext): { id?: string; name?: string } | undefined {
  if (context.containerId === undefined && context.containerName === undefined) return undefined;
  return {
    ...(context.containerId === undefined ? {} : { id: context.containerId }),
    ...(context.containerName === undefined ? {} : { name: context.containerName }),
  };
}
