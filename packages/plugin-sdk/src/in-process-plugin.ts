import { invalidArgument } from "@pouchcontainer/errors";
import type { DaemonCall } from "./daemon-plugin.ts";
import type { PluginManifest } from "./manifest.ts";
import type { Awaitable, PluginCall, ValidateCall } from "./plugin-call.ts";
import { entryOf, isAskedAfterChanges, pointNames, valuesOf } from "./point-table.ts";
import { splitPoint, type PointName } from "./points.ts";
import type { Provenance } from "./provenance.ts";
import { collectRegistrations, type Registration } from "./registration.ts";
import type { InvokeContext, PluginInstance, PluginOrigin, PointAnswer, PointRequest } from "./plugin-instance.ts";

/** Settings a plugin object sees in every call. */
export interface PluginSettings {
  configuration: Record<string, unknown>;
  environment: Record<string, string>;
}

/** A plugin's object with its methods by name. */
type Methods = Record<string, ((...args: unknown[]) => Awaitable<unknown>) | undefined>;

/** Lays a request out for the author, and takes what counts as the answer. */
async function invokeMethod(plugin: Methods, point: PointName, request: object, call: PluginCall): Promise<object> {
  const { rule, args, answer } = entryOf(point);
  const { method } = splitPoint(point);
  const returned = await plugin[method]?.(...valuesOf(args, request), callAt(point, request, call));
  if (answer === undefined) return {};
  // Who returns nothing changed its draft in place, or has nothing to add.
  const [unsaid] = rule === "collects" ? [[]] : valuesOf([answer], request);
  return { [answer.name]: returned ?? unsaid };
}

function callAt(point: PointName, request: object, call: PluginCall): PluginCall {
  if (entryOf(point).rule === "supervises") return daemonCall(call, request as PointRequest<"daemon.preStartHook">);
  return isAskedAfterChanges(point) ? validateCall(call, request) : call;
}

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

function validateCall(call: PluginCall, { provenance = {} }: { provenance?: Provenance }): ValidateCall {
  // The call is made for this one point, and its signal is to be read on demand.
  return Object.assign(call, { provenance });
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

  /** The same code with other settings. */
  settledAnew(manifest: PluginManifest, settings: PluginSettings): InProcessPlugin {
    return new InProcessPlugin({ manifest, registrations: this.#registrations, settings, origin: this.origin });
  }

  async invoke<P extends PointName>(point: P, request: PointRequest<P>, context: InvokeContext): Promise<PointAnswer<P>> {
    const { kind } = splitPoint(point);
    const call = this.#call(context);
    // A point's request is fed with its own answer, so that several objects of one kind see each other's changes.
    let current: PointRequest<P> = request;
    let answer: PointAnswer<P> | undefined;
    for (const registration of this.#registrations) {
      if (registration.kind !== kind) continue;
      // The registration's kind is the point's kind, so the object has the interface whose method the point's entry describes.
      const step = (await invokeMethod(registration.plugin as Methods, point, current, call)) as PointAnswer<P>;
      answer = combine(point, answer, step);
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

/** What several objects return adds up where answers do; every other answer is the last object's, which saw the earlier ones' changes. */
function combine<P extends PointName>(point: P, earlier: PointAnswer<P> | undefined, step: PointAnswer<P>): PointAnswer<P> {
  const { rule, answer } = entryOf(point);
  if (earlier === undefined || rule !== "collects" || answer === undefined) return step;
  const lists = [earlier, step].flatMap((one) => valuesOf([answer], one).flat());
  return { ...step, [answer.name]: lists };
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
