import type { Supervisor } from "./daemon-plugin.ts";
import type { PluginManifest } from "./manifest.ts";
import type { Awaitable, PluginLog } from "./plugin-call.ts";
import type { Argument, RuleName } from "./point-rules.ts";
import type { points } from "./point-table.ts";
import type { PointArguments, PointName, PointReturn } from "./points.ts";
import type { Provenance } from "./provenance.ts";

type Points = typeof points;

/** The type of each argument by its name. */
type Members<A extends readonly unknown[], T extends readonly unknown[]> = {
  [I in keyof A & keyof T & `${number}` as A[I] extends Argument<infer N> ? N : never]: T[I];
};

/** Points whose plugins are asked about what others made of a body. */
type AskedAfter = { [P in PointName]: Points[P] extends { thenAsks: infer Q } ? Q : never }[PointName];

/** What a plugin is given in its call. */
type Beside<P extends PointName> = P extends AskedAfter ? { provenance?: Provenance } : object;

/** What goes into a point, the same for every transport. Bodies are the callee's own drafts. */
export type PointRequest<P extends PointName> = Points[P]["rule"] extends "supervises"
  ? { supervisor: Supervisor; stateDirectory: string }
  : Members<Points[P]["args"], PointArguments<P>> & Beside<P>;

/** What comes out of a point. */
export type PointAnswer<P extends PointName> = Points[P] extends { answer: Argument<infer N> }
  ? { [Name in N]: PointReturn<P> }
  : object;

/** The points of a rule. */
export type PointOf<R extends RuleName> = { [P in PointName]: Points[P]["rule"] extends R ? P : never }[PointName];

/** What a chain of drafts begins and ends with. */
export type PointBody<P extends PointOf<"changes">> = PointReturn<P>;

/** What an instance is told about a call besides its arguments. */
export interface InvokeContext {
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  readonly container?: { readonly id?: string; readonly name?: string };
  /** Milliseconds the caller will wait. */
  readonly timeoutMs: number;
  /**
   * Counts one more call that is under way, until what it returns is called: for what comes of the answer later, such as the requests of
   * a route. Default: nobody counts.
   */
  readonly hold?: () => () => void;
}

/** Where a plugin's code came from. */
export type PluginOrigin = "built-in" | "installed" | "policy";

/** A loaded plugin that can be called. Deadlines, policies, differences and traces are the caller's; an instance only calls. */
export interface PluginInstance {
  readonly manifest: PluginManifest;
  readonly origin: PluginOrigin;
  /** Changes when what is called was started anew. Default: it never is. */
  readonly incarnation?: number;
  /** Whether a call need not wait for it to be started anew. Default: it never does. */
  readonly isReady?: boolean;
  /** Whether it takes calls: a process that has ended, or hangs, does not. Default: it always does. */
  answers?(): Promise<boolean>;
  /** Says who is told, and how it was, each time it ends by itself or cannot be started anew. Default: it never does. */
  onCrash?(hear: (how: string) => void): void;
  invoke<P extends PointName>(point: P, request: PointRequest<P>, context: InvokeContext): Awaitable<PointAnswer<P>>;
  /** Told that the table made with its last answer to `api.updateHandler` is the one that is served. Default: it need not know. */
  routesServed?(): void;
  /** Ends what the instance holds: processes, sockets. It is not called again. */
  close(): Promise<void>;
}
