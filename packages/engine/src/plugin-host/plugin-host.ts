import type { ContainerCreateConfig, ContainerInspect, HandlerSpec, VolumeCreateConfig } from "@pouchcontainer/api";
import { EngineError } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { ConflictPolicy, Endpoint, PluginLog, PodSandboxConfig, PulledImage, Supervisor } from "@pouchcontainer/plugin-sdk";
import {
  defaultAnswerBounds,
  type AnswerBounds,
  type BodyChecks,
  type PluginInstance,
  type PointBody,
  type PointOf,
  type PointRequest,
} from "@pouchcontainer/plugin-sdk/host";
import type { Readable } from "node:stream";
import { BodyChains } from "./body-chains.ts";
import { CallRunner, type PluginEvent, type PluginObserver } from "./call-runner.ts";
import type { ChainContext, PluginChains, PreStartHook, RootfsLender, ChangeContext, Verifiers } from "./chains.ts";
import { DaemonPoints, type DaemonPoint } from "./daemon-points.ts";
import { HookChain } from "./hook-chain.ts";
import type { CallJournal } from "./journal/journaled-call.ts";
import type { Enter } from "./late-failures.ts";
import { MandatoryPlugins } from "./mandatory-plugins.ts";
import { PluginRegistry, type ChainLink, type PluginSlot } from "./plugin-registry.ts";
import { PointChains, subjectOfContext } from "./point-chains.ts";
import { RouteChain } from "./route-chain.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";
import { refuseRaised } from "./validator/refuse-raised.ts";
import { shadowRootfs } from "./shadow/shadow-request.ts";
import { PluginTrace, type TraceEntry } from "./trace.ts";
import { UpdateChain } from "./update-chain.ts";

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
  /** Whether execs that plugins made privileged are refused. Default: false. */
  refusePrivilegedExecs?: boolean;
  /** Default: the SDK's. */
  answerBounds?: AnswerBounds;
  /** The daemon's log for one plugin. */
  logOf: (plugin: string) => PluginLog;
  /** What the daemon points get. */
  supervisorOf: (plugin: string, instance: PluginInstance) => Supervisor;
  stateDirectoryOf: (plugin: string) => string;
  events?: { publish(event: PluginEvent): void };
  observers?: readonly PluginObserver[];
  /** Default: calls are not kept to be made again. */
  journal?: CallJournal | undefined;
  /** Milliseconds since the epoch. Default: Date.now. */
  now?: () => number;
  /** Names in the order of the configuration. Default: none, so that names decide between equal priorities. */
  order?: readonly string[];
  /** `error` makes every conflict an error, whatever manifests say. Default: `record`. */
  onConflict?: ConflictPolicy;
  /** Calls remembered for `plugin trace`. Default: 512. */
  traceCapacity?: number;
}

/** An instance, and whether what it does is applied. */
type InPlace = Pick<PluginSlot, "mode"> & { instance: PluginInstance };

/** Runs the chains. It knows no transport: what it calls are instances, in this process or elsewhere. */
export class PluginHost implements PluginChains {
  readonly trace: PluginTrace;
  readonly registry: PluginRegistry;
  readonly mandatory: MandatoryPlugins;
  readonly answerBounds: AnswerBounds;
  readonly checks: BodyChecks;
  readonly #deps: PluginHostDeps;
  readonly #verifiers: Verifiers;
  readonly #runner: CallRunner;
  readonly #bodies: BodyChains;
  readonly #points: PointChains;
  readonly #hooks: HookChain;
  readonly #updates: UpdateChain;
  readonly #routes: RouteChain;
  readonly #daemonPoints: DaemonPoints;

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
      journal: deps.journal,
    });
    this.checks = deps.checks;
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
      admissions: {
        "container.preCreate": (_final, { bodies, calls }) => this.mandatory.check(bodies, calls),
        ...(deps.refusePrivilegedExecs === true && {
          "container.preExec": (final, { history: { provenance } }) =>
            refuseRaised("the exec", final, { pointer: "/Privileged", provenance }),
        }),
      },
      logOf,
    });
    const chains = { registry: this.registry, runner: this.#runner, bodies: this.#bodies };
    this.#hooks = new HookChain({ ...chains, check: checks["container.preStart"], isRefused: deps.refuseHooks === true });
    this.#updates = new UpdateChain({ ...chains, bounds: this.answerBounds, decode: (body) => this.decodeUpdate(body) });
    this.#routes = new RouteChain(chains);
    this.#daemonPoints = new DaemonPoints({ ...chains, ...deps });
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

  admitImage(labels: Readonly<Record<string, string>> | undefined, calls: readonly TraceEntry[]): void {
    this.mandatory.checkImage(labels, calls);
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
    const isSeen = links.some(({ slot }) => slot.mode === "active");
    const lend: RootfsLender = isSeen ? files : (use) => use(shadowRootfs);
    try {
      const changed = await lend((rootfs) =>
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

  preStart(container: ContainerInspect, context: ChainContext): Promise<PreStartHook[]> {
    return this.#hooks.ask(container, context);
  }

  preUpdate(body: Readable, context: ChainContext): Promise<Readable> {
    return this.#updates.change(body, context);
  }

  /** Throws for what cannot be the body of an update. */
  decodeUpdate(body: unknown): void {
    this.#deps.decodeUpdate?.(body);
  }

  postPull(snapshotter: string, image: PulledImage, context: ChainContext): Promise<void> {
    return this.ask("image.postPull", () => ({ snapshotter, image }), context);
  }

  /** `daemon.preStartHook` of every plugin; the first failure ends the start, and those that were told of it are told of its end. */
  preStartHook(context: ChainContext = {}): Promise<void> {
    return this.#daemonPoints.begin(context);
  }

  /** `daemon.preStopHook` of every plugin; failures are logged and the stop goes on. */
  preStopHook(): Promise<void> {
    return this.#daemonPoints.end();
  }

  /** A daemon point of one plugin, for a plugin that is enabled or disabled while the daemon runs. */
  callDaemonPoint(point: DaemonPoint, link: ChainLink, context: ChainContext = {}): Promise<void> {
    return this.#daemonPoints.call(point, link, context);
  }

  /** Folder for a plugin's state; made where it is not there yet. */
  stateDirectoryOf(plugin: string): string {
    return this.#deps.stateDirectoryOf(plugin);
  }

  /**
   * The route table after all api plugins. The given one is not touched; a failure leaves the caller with it. Of a plugin that could not be
   * started, and whose failures are not ignored, the routes that it is shown answer its failure, and those by which it is repaired stay.
   */
  updateHandlers(handlers: readonly HandlerSpec[]): Promise<HandlerSpec[]> {
    return this.#routes.change(handlers);
  }

  /** The table that `updateHandlers` made last is served from now on. */
  routesServed(): void {
    this.#routes.served();
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

  /** A host with the same plugins in the same order, or with others, whose calls nobody hears of but who is among the `changes`. */
  rehearsal(changes: Partial<PluginHostDeps> = {}, instances: readonly InPlace[] = this.#instances): PluginHost {
    const { events: _events, observers: _observers, journal: _journal, ...deps } = this.#deps;
    const host = new PluginHost({ ...deps, order: this.registry.order, ...changes });
    for (const { instance, mode } of instances) host.add(instance, mode);
    return host;
  }

  get #instances(): InPlace[] {
    return [...this.registry.slots()].flatMap(({ instance, mode }) => (instance === undefined ? [] : { instance, mode }));
  }

  /** Resolves when no call of a plugin in shadow mode is under way. */
  shadowsOver(): Promise<void> {
    return this.#runner.shadowsOver();
  }

  /** Runs a built-in plugin's module as that plugin's code. */
  enterModule(plugin: string): Enter {
    return this.#runner.enterModule(plugin, () => this.registry.linksOf(plugin));
  }

  /** Takes an instance in. It is called from the next chain on. */
  add(instance: PluginInstance, mode?: PluginMode): PluginSlot {
    return this.registry.add(instance, mode);
  }
}
