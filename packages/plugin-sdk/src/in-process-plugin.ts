import { invalidArgument } from "@pouchcontainer/errors";
import type { DaemonCall } from "./daemon-plugin.ts";
import type { PluginManifest } from "./manifest.ts";
import type { Awaitable, PluginCall } from "./plugin-call.ts";
import { pointNames, splitPoint, type PluginKinds, type PointName } from "./points.ts";
import { collectRegistrations, type Registration } from "./registration.ts";
import type { InvokeContext, PluginInstance, PluginOrigin, PointAnswer, PointRequest } from "./plugin-instance.ts";

/** Settings a plugin object sees in every call. */
export interface PluginSettings {
  configuration: Record<string, unknown>;
  environment: Record<string, string>;
}

type Invokers = {
  [P in PointName]: (plugin: PluginObject<P>, request: PointRequest<P>, call: PluginCall) => Awaitable<PointAnswer<P>>;
};
type PluginObject<P extends PointName> = P extends `${infer K extends keyof PluginKinds}.${string}` ? PluginKinds[K] : never;

/** How each point's arguments are laid out for the author, and what counts as the answer. */
const invokers: Invokers = {
  "container.preCreate": async (plugin, { config }, call) => ({ config: (await plugin.preCreate?.(config, call)) ?? config }),
  "container.validateCreate": async (plugin, { config }, call) => {
    await plugin.validateCreate?.(config, call);
    return {};
  },
  "container.preStart": async (plugin, { container }, call) => ({ hooks: (await plugin.preStart?.(container, call)) ?? [] }),
  "container.preCreateEndpoint": async (plugin, { id, env, endpoint }, call) => ({
    endpoint: (await plugin.preCreateEndpoint?.(id, env, endpoint, call)) ?? endpoint,
  }),
  "container.preUpdate": async (plugin, { body }, call) => ({ body: (await plugin.preUpdate?.(body, call)) ?? body }),
  "container.postUpdate": async (plugin, { rootfs, env }, call) => ({
    env: (await plugin.postUpdate?.(rootfs, env, call)) ?? env,
  }),
  "daemon.preStartHook": async (plugin, request, call) => {
    await plugin.preStartHook?.(daemonCall(call, request));
    return {};
  },
  "daemon.preStopHook": async (plugin, request, call) => {
    await plugin.preStopHook?.(daemonCall(call, request));
    return {};
  },
  "volume.preVolumeCreate": async (plugin, { config }, call) => ({
    config: (await plugin.preVolumeCreate?.(config, call)) ?? config,
  }),
  "volume.validateVolumeCreate": async (plugin, { config }, call) => {
    await plugin.validateVolumeCreate?.(config, call);
    return {};
  },
  "cri.preRunPodSandbox": async (plugin, { config, criRequest }, call) => ({
    config: (await plugin.preRunPodSandbox?.(config, criRequest, call)) ?? config,
  }),
  "cri.preCreateContainer": async (plugin, { config, criRequest }, call) => ({
    config: (await plugin.preCreateContainer?.(config, criRequest, call)) ?? config,
  }),
  "api.updateHandler": async (plugin, { handlers }, call) => ({
    handlers: (await plugin.updateHandler?.(handlers, call)) ?? handlers,
  }),
  "image.postPull": async (plugin, { snapshotter, image }, call) => {
    await plugin.postPull?.(snapshotter, image, call);
    return {};
  },
};

function daemonCall(call: PluginCall, request: PointRequest<"daemon.preStartHook">): DaemonCall {
  return {
    plugin: call.plugin,
    get signal() {
      return call.signal;
    },
    log: call.log,
    configuration: call.configuration,
    environment: call.environment,
    supervisor: request.supervisor,
    stateDirectory: request.stateDirectory,
  };
}

/** A plugin whose code runs in this process. */
export class InProcessPlugin implements PluginInstance {
  readonly manifest: PluginManifest;
  readonly origin: PluginOrigin;
  readonly #registrations: readonly Registration[];
  readonly #settings: PluginSettings;

  constructor(options: {
    manifest: PluginManifest;
    registrations: readonly Registration[];
    settings: PluginSettings;
    origin?: PluginOrigin;
  }) {
    this.manifest = options.manifest;
    this.origin = options.origin ?? "built-in";
    this.#registrations = options.registrations;
    this.#settings = options.settings;
    checkPoints(options.manifest, options.registrations);
  }

  /** Loads a module and takes what it registers. */
  static async load(options: {
    manifest: PluginManifest;
    load: () => unknown;
    settings: PluginSettings;
    origin?: PluginOrigin;
  }): Promise<InProcessPlugin> {
    const registrations = await collectRegistrations(options.load);
    return new InProcessPlugin({ ...options, registrations });
  }

  async invoke<P extends PointName>(point: P, request: PointRequest<P>, context: InvokeContext): Promise<PointAnswer<P>> {
    const { kind } = splitPoint(point);
    const call = this.#call(context);
    // A point's request is fed with its own answer, so that several objects of one kind see each other's changes.
    let current: PointRequest<P> = request;
    let answer: PointAnswer<P> | undefined;
    for (const registration of this.#registrations) {
      if (registration.kind !== kind) continue;
      // The registration's kind is the point's kind, so the object has the interface the point's invoker takes.
      const step: PointAnswer<P> = await invokers[point](registration.plugin as PluginObject<P>, current, call);
      answer = combine(answer, step);
      current = { ...current, ...step };
    }
    // `checkPoints` made sure that some object implements every point of the manifest.
    return answer as PointAnswer<P>;
  }

  async close(): Promise<void> {}

  #call(context: InvokeContext): PluginCall {
    return {
      plugin: this.manifest.name,
      // Read on demand: most plugins never look, and an AbortSignal costs more than the rest of the call.
      get signal() {
        return context.signal;
      },
      log: context.log,
      configuration: this.#settings.configuration,
      environment: this.#settings.environment,
      ...(context.container === undefined ? {} : { container: context.container }),
    };
  }
}

/** Hooks of several objects add up; every other answer is the last object's, which saw the earlier ones' changes. */
function combine<P extends PointName>(earlier: PointAnswer<P> | undefined, step: PointAnswer<P>): PointAnswer<P> {
  if (earlier === undefined || !("hooks" in earlier) || !("hooks" in step)) return step;
  return { ...step, hooks: [...earlier.hooks, ...step.hooks] };
}

/** A point in the manifest without code would never run, and code without a point in the manifest neither: both are mistakes. */
function checkPoints(manifest: PluginManifest, registrations: readonly Registration[]): void {
  for (const point of pointNames) {
    const { kind, method } = splitPoint(point);
    // Any object may be asked for a member by name.
    const implemented = registrations.some(
      (one) => one.kind === kind && typeof (one.plugin as Record<string, unknown>)[method] === "function",
    );
    const declared = manifest.points[point] !== undefined;
    if (declared && !implemented) {
      throw invalidArgument(
        `plugin "${manifest.name}" declares ${point} but registers no ${kind} plugin with a method ${method}`,
      );
    }
    if (implemented && !declared) {
      throw invalidArgument(
        `plugin "${manifest.name}" registers ${method} of a ${kind} plugin, but its manifest does not list ${point} under pouch.points`,
      );
    }
  }
}
