import {
  jsonBoundsInPieces,
  maxJsonValues,
  type ContainerCreateConfig,
  type ContainerInspect,
  type HandlerSpec,
  type VolumeCreateConfig,
} from "@pouchcontainer/api";
import { cutText, EngineError, forbidden, internal, invalidArgument } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { ConflictPolicy, Endpoint, PluginLog, PodSandboxConfig, PulledImage, Supervisor } from "@pouchcontainer/plugin-sdk";
import {
  answerScan,
  cloneJson,
  deepFreeze,
  defaultAnswerBounds,
  defaultHookTimeoutSeconds,
  difference,
  type AnswerBounds,
  type BodyChecks,
  type PluginInstance,
  type PointAnswer,
  type PointBody,
  type PointOf,
  type PointRequest,
} from "@pouchcontainer/plugin-sdk/host";
import type { Readable } from "node:stream";
import { assertValid, BodyChains, changesOf, noChange } from "./body-chains.ts";
import { CallRunner, type PluginEvent, type PluginObserver, type Settled } from "./call-runner.ts";
import type { ChainContext, PluginChains, PreStartHook, RootfsLender, ChangeContext, Verifiers } from "./chains.ts";
import { WriteLog } from "./conflicts.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { boundedTable, checkTable, refusing, splitTable } from "./handler-table.ts";
import { isGuest, type Enter } from "./late-failures.ts";
import { LentRoutes } from "./lent-routes.ts";
import { MandatoryPlugins } from "./mandatory-plugins.ts";
import { PluginRegistry, type ChainLink, type PluginSlot } from "./plugin-registry.ts";
import { PointChains, subjectOfContext } from "./point-chains.ts";
import { PluginTrace, type TraceEntry } from "./trace.ts";
import { bodyOf, jsonOf, readBody } from "./update-body.ts";

export interface PluginHostDeps {
  /** Checks of the bodies plugins may change, `compileBodyChecks()` of the SDK. */
  checks: BodyChecks;
  /** Throws for the body of an update that none takes. Default: every body is taken. */
  decodeUpdate?: (body: unknown) => unknown;
  /** Of what plugins make of a body, by point. Default of each: a body of the right form will do. */
  verifiers?: Verifiers;
  /** Plugins without which no container is made. Default: none. */
  mandatory?: readonly string[];
  /** Whether hooks of plugins, which run on the host, are refused. Default: false. */
  refuseHooks?: boolean;
  /** Default: the SDK's. */
  answerBounds?: AnswerBounds;
  /** The daemon's log for one plugin. */
  logOf: (plugin: string) => PluginLog;
  /** What the daemon points get. */
  supervisorOf: (plugin: string, instance: PluginInstance) => Supervisor;
  stateDirectoryOf: (plugin: string) => string;
  events?: { publish(event: PluginEvent): void };
  observers?: readonly PluginObserver[];
  /** Milliseconds since the epoch. Default: Date.now. */
  now?: () => number;
  /** Names in the order of the configuration. Default: none, so that names decide between equal priorities. */
  order?: readonly string[];
  /** `error` makes every conflict an error, whatever manifests say. Default: `record`. */
  onConflict?: ConflictPolicy;
  /** Calls remembered for `plugin trace`. Default: 512. */
  traceCapacity?: number;
}

/** Runs the chains. It knows no transport: what it calls are instances, in this process or elsewhere. */
export class PluginHost implements PluginChains {
  readonly trace: PluginTrace;
  readonly registry: PluginRegistry;
  readonly mandatory: MandatoryPlugins;
  readonly answerBounds: AnswerBounds;
  readonly #deps: PluginHostDeps;
  readonly #verifiers: Verifiers;
  readonly #runner: CallRunner;
  readonly #bodies: BodyChains;
  readonly #points: PointChains;
  /** Those that had a say in the route table that was built last. */
  #routing: readonly PluginInstance[] = [];

  constructor(deps: PluginHostDeps) {
    const now = deps.now ?? Date.now;
    this.#deps = deps;
    this.trace = new PluginTrace(deps.traceCapacity === undefined ? {} : { capacity: deps.traceCapacity });
    this.registry = new PluginRegistry({ now, order: deps.order ?? [] });
    this.mandatory = new MandatoryPlugins(this.registry, deps.mandatory ?? []);
    this.#runner = new CallRunner({
      now,
      trace: this.trace,
      observers: deps.observers ?? [],
      events: deps.events ?? { publish: () => undefined },
      logOf: deps.logOf,
    });
    this.answerBounds = deps.answerBounds ?? defaultAnswerBounds;
    this.#bodies = new BodyChains(this.#runner, { onConflict: deps.onConflict, bounds: this.answerBounds });
    const { checks, logOf } = deps;
    this.#verifiers = deps.verifiers ?? {};
    this.#points = new PointChains({
      registry: this.registry,
      runner: this.#runner,
      bodies: this.#bodies,
      checks,
      verifiers: this.#verifiers,
      admissions: { "container.preCreate": (bodies, calls) => this.mandatory.check(bodies, calls) },
      logOf,
    });
  }

  change<P extends PointOf<"changes">>(
    point: P,
    request: PointRequest<P>,
    context: ChangeContext<PointBody<P>>,
  ): Promise<PointBody<P>> {
    return this.#points.change(point, request, context);
  }

  /** The body itself, of which the engine can make something at this point: throws for one of which it cannot. */
  async verified<P extends PointOf<"changes">>(point: P, body: PointBody<P>, context: ChainContext): Promise<PointBody<P>> {
    const verify: Verifiers[P] = this.#verifiers[point];
    await verify?.(body, context);
    return body;
  }

  ask<P extends PointOf<"asks">>(point: P, view: () => PointRequest<P>, context: ChainContext): Promise<void> {
    return this.#points.ask(point, view, context);
  }

  tell<P extends PointOf<"tells">>(point: P, view: () => PointRequest<P>, context: ChainContext): Promise<void> {
    return this.#points.tell(point, view, context);
  }

  tellAfterwards<P extends PointOf<"tells">>(point: P, view: () => PointRequest<P>, context: ChainContext): void {
    this.#points.tellAfterwards(point, view, context);
  }

  preCreate(config: ContainerCreateConfig, context: ChainContext): Promise<ContainerCreateConfig> {
    return this.change("container.preCreate", { config }, context);
  }

  criPreRunPodSandbox(
    config: PodSandboxConfig,
    criRequest: unknown,
    context: ChangeContext<PodSandboxConfig>,
  ): Promise<PodSandboxConfig> {
    return this.change("cri.preRunPodSandbox", { config, criRequest }, context);
  }

  criPreCreateContainer(
    config: ContainerCreateConfig,
    criRequest: unknown,
    context: ChainContext,
  ): Promise<ContainerCreateConfig> {
    return this.change("cri.preCreateContainer", { config, criRequest }, context);
  }

  preVolumeCreate(config: VolumeCreateConfig, context: ChainContext): Promise<VolumeCreateConfig> {
    return this.change("volume.preVolumeCreate", { config }, context);
  }

  preCreateEndpoint(id: string, env: string[], endpoint: Endpoint, context: ChangeContext<Endpoint>): Promise<Endpoint> {
    return this.change("container.preCreateEndpoint", { id, env, endpoint }, { containerId: id, ...context, env });
  }

  async postUpdate(files: RootfsLender, env: string[], context: ChainContext): Promise<{ env: string[] }> {
    const links = this.registry.chain("container.postUpdate");
    if (links.length === 0) return { env };
    try {
      const changed = await files((rootfs) =>
        this.#bodies.change("container.postUpdate", links, { Env: env }, context, {
          subject: () => subjectOfContext({ env, ...context }),
          check: ({ Env }) =>
            this.#deps.checks["container.postUpdate"](Env).map((issue) => ({
              ...issue,
              instancePath: `/Env${issue.instancePath}`,
            })),
          request: (draft) => ({ rootfs, env: draft.Env }),
          answer: ({ env: answered }) => ({ Env: answered }),
        }),
      );
      return { env: changed.Env };
    } catch (error) {
      const { kind, message, details } = EngineError.from(error);
      throw new EngineError(kind, `the update is in force, but ${message}`, { cause: error, details });
    }
  }

  async preStart(container: ContainerInspect, context: ChainContext): Promise<PreStartHook[]> {
    const links = this.registry.chain("container.preStart");
    if (links.length === 0) return [];
    const view = deepFreeze(cloneJson(container));
    const subject = subjectOfContext(context);
    const hooks: PreStartHook[] = [];
    for (const link of links) {
      if (link.filter?.(subject) === false) continue;
      const asked = await this.#runner.run("container.preStart", link, { container: view }, context, (answer) =>
        this.#checkHooks(link, answer.hooks),
      );
      for (const hook of asked ?? []) hooks.push({ timeoutSeconds: defaultHookTimeoutSeconds, ...hook, plugin: link.slot.name });
    }
    // A stable sort keeps the chain's order among equals.
    return hooks.toSorted((a, b) => b.priority - a.priority);
  }

  #checkHooks({ guard }: ChainLink, answer: unknown): Settled<PointAnswer<"container.preStart">["hooks"]> {
    const hooks = this.#bodies.taken(answer);
    assertValid(this.#deps.checks["container.preStart"], hooks, "hooks");
    // Valid against the schema of PreStartHook[] by the line above.
    const checked = hooks as PointAnswer<"container.preStart">["hooks"];
    for (const { args } of checked) {
      if (this.#deps.refuseHooks === true)
        throw forbidden(
          `it asks for the hook ${cutText(args.join(" "), 256)}, and the daemon's --validator rules out hooks on the host`,
        );
      if (args[0]?.startsWith("/") !== true)
        throw internal(`the program of a hook must be an absolute path, got ${JSON.stringify(args[0])}`);
    }
    if (checked.length > 0) guard.uses("hooks", "it returned hooks");
    return { result: checked, patch: difference([], checked) };
  }

  async preUpdate(body: Readable, context: ChainContext): Promise<Readable> {
    const subject = subjectOfContext(context);
    const links = this.registry.chain("container.preUpdate").filter((link) => link.filter?.(subject) !== false);
    if (links.length === 0) return body;
    const writes = new WriteLog();
    // What is wrong here is the caller's fault, and no plugin's.
    const bytes = await readBody(body, { look: jsonBoundsInPieces() });
    let current = this.#updateBody(bytes);
    for (const link of links) {
      const before = current;
      const settle = async (answer: PointAnswer<"container.preUpdate">): Promise<Settled<typeof current>> => {
        const { bytes: maxBytes, values } = this.answerBounds;
        const look = answerScan(Math.min(values, maxJsonValues));
        const answered = await readBody(answer.body, { refuse: internal, maxBytes, look });
        const isChanged = !answered.equals(before.bytes);
        const after = isChanged ? { ...this.#updateBody(answered), changedBy: link.slot.name } : before;
        if (after.json === undefined && before.json !== undefined) throw internal("the body it returned is not JSON any more");
        if (after.problem !== undefined && before.problem === undefined) throw internal(after.problem);
        const [from, to] = [before.json ?? {}, after.json ?? {}];
        return this.#bodies.settled(link, writes, { before: from, after: to, patch: changesOf(from, to) }, after);
      };
      current =
        (await this.#runner.run("container.preUpdate", link, { body: bodyOf(before.bytes) }, context, settle, before.json)) ??
        before;
    }
    const { problem, changedBy } = current;
    // The client's words are not those that are refused.
    if (problem !== undefined && changedBy !== undefined)
      throw invalidArgument(`${problem} (plugin "${changedBy}" was the last to change the body, at container.preUpdate)`);
    return bodyOf(current.bytes);
  }

  #updateBody(bytes: Buffer): UpdateBody {
    const json = jsonOf(bytes);
    if (json === undefined) return { bytes, json, problem: "the body is not JSON", changedBy: undefined };
    try {
      this.decodeUpdate(json);
      return { bytes, json, problem: undefined, changedBy: undefined };
    } catch (error) {
      return { bytes, json, problem: EngineError.from(error).message, changedBy: undefined };
    }
  }

  /** Throws for what cannot be the body of an update. */
  decodeUpdate(body: unknown): void {
    this.#deps.decodeUpdate?.(body);
  }

  postPull(snapshotter: string, image: PulledImage, context: ChainContext): Promise<void> {
    return this.ask("image.postPull", () => ({ snapshotter, image }), context);
  }

  /** `daemon.preStartHook` of every plugin; the first failure ends the start, and those that were told of it are told of its end. */
  async preStartHook(context: ChainContext = {}): Promise<void> {
    const told = new Set<string>();
    try {
      for (const link of this.registry.chain("daemon.preStartHook")) {
        await this.callDaemonPoint("daemon.preStartHook", link, context);
        told.add(link.slot.name);
      }
    } catch (error) {
      await this.#tellOfTheEnd((name) => told.has(name));
      throw error;
    }
  }

  /** `daemon.preStopHook` of every plugin; failures are logged and the stop goes on. */
  async preStopHook(): Promise<void> {
    await this.#tellOfTheEnd(() => true);
  }

  async #tellOfTheEnd(concerns: (name: string) => boolean): Promise<void> {
    for (const link of this.registry.chain("daemon.preStopHook")) {
      const { name } = link.slot;
      if (!concerns(name)) continue;
      try {
        await this.callDaemonPoint("daemon.preStopHook", link);
      } catch (error) {
        this.#deps.logOf(name).error(EngineError.from(error).message);
      }
    }
  }

  /**
   * A daemon point of one plugin, for a plugin that is enabled or disabled while the daemon runs. One that could not be started has
   * nothing to begin or to end: that was said when it failed, and keeps no daemon from starting.
   */
  async callDaemonPoint(
    point: "daemon.preStartHook" | "daemon.preStopHook",
    link: ChainLink,
    context: ChainContext = {},
  ): Promise<void> {
    const { name, instance } = link.slot;
    if (instance === undefined || instance instanceof FailedPlugin) return;
    const request = { supervisor: this.#deps.supervisorOf(name, instance), stateDirectory: this.stateDirectoryOf(name) };
    await this.#runner.run(point, link, request, context, noChange);
  }

  /** Folder for a plugin's state; made where it is not there yet. */
  stateDirectoryOf(plugin: string): string {
    return this.#deps.stateDirectoryOf(plugin);
  }

  /**
   * The route table after all api plugins. The given one is not touched; a failure leaves the caller with it. Of a plugin that could not be
   * started, and whose failures are not ignored, the routes that it is shown answer its failure, and those by which it is repaired stay.
   */
  async updateHandlers(handlers: readonly HandlerSpec[]): Promise<HandlerSpec[]> {
    let table = [...handlers];
    const links = this.registry.chain("api.updateHandler");
    this.#routing = links.flatMap(({ slot }) => slot.instance ?? []);
    for (const link of links) {
      const before = table;
      const { shown, hidden } = splitTable(before, link.settings.filters);
      const lent = link.slot.instance !== undefined && isGuest(link.slot.instance) ? new LentRoutes(shown) : undefined;
      const settle = (answer: PointAnswer<"api.updateHandler">): Settled<HandlerSpec[]> => {
        const answered = boundedTable(before, answer.handlers);
        const handlers = lent?.takenBack(answered, this.#runner.enterRoute(link)) ?? answered;
        const { table: after, patch } = checkTable(before, [...handlers, ...hidden]);
        link.guard.rerouted(patch);
        return { result: after, patch };
      };
      try {
        const request = { handlers: lent?.shown ?? shown };
        table = (await this.#runner.run("api.updateHandler", link, request, {}, settle)) ?? before;
      } catch (error) {
        if (!(link.slot.instance instanceof FailedPlugin)) throw error;
        table = [...refusing(shown, error), ...hidden];
      }
    }
    return table;
  }

  /** The table that `updateHandlers` made last is served from now on. */
  routesServed(): void {
    for (const instance of this.#routing) instance.routesServed?.();
  }

  /**
   * Files calls that were collected through `ChainContext.calls` under the container they led to, so that they are found by its id and its
   * name. Also takes up a container's calls from its record after a restart.
   */
  adoptTrace(container: { id: string; name: string }, calls: readonly TraceEntry[]): void {
    this.trace.adopt(container, calls);
  }

  /** The calls that concerned a container, oldest first, to be kept in its record and shown by inspect; environment values masked. */
  traceOf(containerId: string): TraceEntry[] {
    return this.trace.last({ container: containerId });
  }

  /** A container was removed. */
  forgetTrace(containerId: string): void {
    this.trace.forget(containerId);
    // Of its end plugins may still be told.
    inBackground("forgetting the calls of a container that is gone", async () => {
      await this.#points.told(containerId);
      this.trace.forget(containerId);
    });
  }

  /** A host with the same plugins in the same order whose calls nobody hears of, for a dry run. */
  rehearsal(): PluginHost {
    const { events: _events, observers: _observers, ...deps } = this.#deps;
    const host = new PluginHost({ ...deps, order: this.registry.order });
    for (const { instance } of this.registry.slots()) if (instance !== undefined) host.add(instance);
    return host;
  }

  /** Runs a built-in plugin's module as that plugin's code. */
  enterModule(plugin: string): Enter {
    return this.#runner.enterModule(plugin, () => this.registry.linksOf(plugin));
  }

  /** Takes an instance in. It is called from the next chain on. */
  add(instance: PluginInstance): PluginSlot {
    return this.registry.add(instance);
  }
}

/** The body of an update on its way from plugin to plugin. */
interface UpdateBody {
  bytes: Buffer;
  json: unknown;
  /** Why an update cannot take it. */
  problem: string | undefined;
  changedBy: string | undefined;
}
