import { EngineError, internal } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginLog, PointName } from "@pouchcontainer/plugin-sdk";
import {
  bodyOfRequest,
  cloneJson,
  deepFreeze,
  entryOf,
  subjectOf,
  valueAt,
  type BodyChecks,
  type CallSubject,
  type PointBody,
  type PointOf,
  type PointRequest,
} from "@pouchcontainer/plugin-sdk/host";
import { dataOfRequest } from "./data-of-request.ts";
import { BodyHistory } from "./body-history.ts";
import { noChange, type BodyChains, type BodyShape } from "./body-chains.ts";
import type { CallRunner } from "./call-runner.ts";
import type { ChainContext, ChangeContext, Verifiers, Verify } from "./chains.ts";
import { inTurn, type PluginRegistry } from "./plugin-registry.ts";
import { asRead, requestBodyOf } from "./request-bodies.ts";
import { Tellings } from "./tellings.ts";
import type { TraceEntry } from "./trace.ts";

/** What has the last word on a body, by point: throws for one that calls did not admit, or as plugins have changed it. */
export type Admissions = {
  readonly [P in PointOf<"changes">]?: (final: PointBody<P>, admission: Admission<PointBody<P>>) => void;
};

export interface Admission<B> {
  /** As it came, as each plugin left it, and as it is now. */
  bodies: readonly B[];
  calls: readonly TraceEntry[];
  history: BodyHistory;
}

export interface PointChainsDeps {
  registry: PluginRegistry;
  runner: CallRunner;
  bodies: BodyChains;
  checks: BodyChecks;
  verifiers: Verifiers;
  admissions: Admissions;
  logOf: (plugin: string) => PluginLog;
}

/** The chains of points of which the table of points says all there is to know. Without a plugin nothing is made, copied or looked at. */
export class PointChains {
  readonly #deps: PointChainsDeps;
  readonly #tellings = new Tellings();

  constructor(deps: PointChainsDeps) {
    this.#deps = deps;
  }

  /** Hands a body from plugin to plugin, and asks those that may refuse what comes out. */
  async change<P extends PointOf<"changes">>(
    point: P,
    request: PointRequest<P>,
    context: ChangeContext<PointBody<P>>,
  ): Promise<PointBody<P>> {
    const body = bodyOfRequest(point, request);
    const admit: Admissions[P] = this.#deps.admissions[point];
    if (admit === undefined) return this.#changed(point, request, body, context);
    const calls = context.calls ?? [];
    const history = context.history ?? new BodyHistory();
    const final = await this.#changed(point, request, body, { ...context, calls, history });
    // A history is one body's, whose form is the same at each point that it comes by.
    const passed = history.bodies as readonly PointBody<P>[];
    admit(final, { bodies: [...passed, body, final], calls, history });
    return final;
  }

  async #changed<P extends PointOf<"changes">>(
    point: P,
    request: PointRequest<P>,
    body: PointBody<P>,
    asked: ChangeContext<PointBody<P>>,
  ): Promise<PointBody<P>> {
    const { registry, bodies } = this.#deps;
    const { thenAsks } = entryOf(point);
    const links = registry.chain(point);
    const isAsked = thenAsks !== undefined && registry.chain(thenAsks).length > 0;
    if (links.length === 0 && !isAsked) return body;
    const context = isAsked ? { history: new BodyHistory(), ...asked } : asked;
    const shape = this.#shapeOf(point, request, body, context);
    const final = links.length === 0 ? body : await bodies.change(point, links, body, context, shape);
    const view = (): object => ({ ...shape.request(final), provenance: context.history?.provenance ?? {} });
    if (isAsked) await this.#show(thenAsks, view, context);
    return final;
  }

  /** Shows something to plugins that may refuse it and change nothing. `view` is asked for when a plugin is. */
  async ask<P extends PointOf<"asks">>(point: P, view: () => PointRequest<P>, context: ChainContext): Promise<void> {
    await this.#show(point, view, context);
  }

  /** Tells plugins of something that what they do neither changes nor refuses: failures are logged and traced. */
  async tell<P extends PointOf<"tells">>(point: P, view: () => PointRequest<P>, context: ChainContext): Promise<void> {
    await this.#show(point, view, context, (plugin, error) =>
      this.#deps.logOf(plugin).warn(`${EngineError.from(error).message}; it goes on`),
    );
  }

  /**
   * The same of what has happened, which nobody holds up or takes back: nothing waits for it. Of one container plugins are told in the order
   * of what happened, each time of how it was then.
   */
  tellAfterwards<P extends PointOf<"tells">>(point: P, view: () => PointRequest<P>, context: ChainContext): void {
    if (this.#deps.registry.chain(point).length === 0) return;
    const { containerId = "" } = context;
    inBackground("telling plugins what has happened", async () => {
      const request = view();
      const isTold = await this.#tellings.inTurn(containerId, () => this.tell(point, () => request, context));
      if (isTold) return;
      for (const { slot } of this.#deps.registry.chain(point))
        this.#deps.logOf(slot.name).warn(`${point} is left out for container ${containerId}: too much of it waits to be told`);
    });
  }

  /** Resolves when plugins have been told all that has happened to a container so far. */
  async told(containerId: string): Promise<void> {
    await this.#tellings.over(containerId);
  }

  async #show(
    point: PointName,
    view: () => object,
    context: ChainContext,
    failed?: (plugin: string, error: unknown) => void,
  ): Promise<void> {
    let asked: { request: object; shown: object } | undefined;
    const request = (): { request: object; shown: object } => (asked ??= frozenRequest(point, view()));
    for (const link of inTurn(this.#deps.registry.chain(point))) {
      if (link.filter?.(subjectOf(point, () => request().request) ?? subjectOfContext(context)) === false) continue;
      try {
        // The entry of the point says what members its request has.
        const { request: given, shown } = request();
        await this.#deps.runner.run(point, link, given as PointRequest<PointName>, context, noChange, { shown });
      } catch (error) {
        if (failed === undefined) throw error;
        failed(link.slot.name, error);
      }
    }
  }

  #verifierOf<P extends PointOf<"changes">>(point: P, context: ChainContext): Verify<PointBody<P>> | undefined {
    const verify: Verifiers[P] = this.#deps.verifiers[point];
    return verify && ((body) => verify(body, context));
  }

  #shapeOf<P extends PointOf<"changes">>(
    point: P,
    whole: PointRequest<P>,
    before: PointBody<P>,
    context: ChangeContext<PointBody<P>>,
  ): BodyShape<P, PointBody<P>> {
    const { answer, keeps } = entryOf(point);
    const name = answer?.name ?? "";
    const requested = answer && requestBodyOf(answer);
    let others: object | undefined;
    return {
      subject: (draft) => subjectOf(point, () => ({ ...whole, [name]: draft })) ?? subjectOfContext(context),
      check: this.#deps.checks[point],
      verify: context.verify ?? this.#verifierOf(point, context),
      request: (draft) => {
        others ??= deepFreeze(cloneJson({ ...whole, [name]: null }));
        // The members of the request, one of them the draft.
        return { ...others, [name]: draft } as PointRequest<P>;
      },
      answer: (answered) => {
        // What the answer's member is, is checked next.
        return (answered as Record<string, unknown>)[name] as PointBody<P>;
      },
      checkKept: (changed) => {
        for (const field of keeps?.fields ?? [])
          if (valueAt(changed, `/${field}`) !== valueAt(before, `/${field}`))
            throw internal(`${field} of ${keeps?.of} cannot be changed`);
      },
      // What it is, is checked next.
      read: requested && ((taken) => asRead(requested, taken) as PointBody<P>),
    };
  }
}

/** What filters look at where the request does not say it: what the caller knows of the container. */
export function subjectOfContext({ labels, image, env }: ChainContext): CallSubject {
  return { labels, image, env };
}

/** A view that no plugin can change; what has functions is handed over as it is. `shown`: its data, all of it out of a plugin's reach. */
function frozenRequest(point: PointName, view: object): { request: object; shown: object } {
  const shown = deepFreeze(cloneJson(dataOfRequest(point, view)));
  const handles = entryOf(point).args.filter(({ isHandle }) => isHandle === true);
  const given = view as Record<string, unknown>;
  return { request: { ...shown, ...Object.fromEntries(handles.map(({ name }) => [name, given[name]])) }, shown };
}
