import type { PointName } from "./points.ts";

/** What filters of manifests may look at. A list that is undefined is unknown at the point, and filters on it do not count. */
export interface CallSubject {
  labels?: Readonly<Record<string, string>> | undefined;
  image?: string | undefined;
  env?: readonly string[] | undefined;
}

/** One thing that a plugin is given at a point, or answers. */
export interface Argument<N extends string = string> {
  /** Its member of requests and answers. */
  readonly name: N;
  /** JSON Schema of it, as it is on the wire. */
  readonly schema: object;
  /** What it is, for the documentation. Default: the name says it. */
  readonly about?: string;
  /** Has functions that ask the daemon: it is handed over as it is, and on the wire without them. */
  readonly isHandle?: true;
}

/** An argument whose name is known to the compiler. */
export function argument<const N extends string>(
  name: N,
  schema: object,
  more: Omit<Argument, "name" | "schema"> = {},
): Argument<N> {
  return { name, schema, ...more };
}

/** Milliseconds a plugin has when its manifest does not say. */
const usualTimeoutMs = 10_000;

/** What plugins may do at a point, and what becomes of the answers of several. */
export const pointRules = {
  /** A body goes from plugin to plugin, each with a draft of its own. */
  changes: { timeoutMs: usualTimeoutMs, may: "change it in place or return another; throw to refuse" },
  /** Answers add up. */
  collects: { timeoutMs: usualTimeoutMs, may: "return a list; throw to refuse" },
  /** A stream goes from plugin to plugin. */
  rewrites: { timeoutMs: usualTimeoutMs, may: "return another stream; throw to refuse" },
  /** A frozen view; the first that throws ends it. */
  asks: { timeoutMs: usualTimeoutMs, may: "throw to refuse" },
  /** A frozen view; what is thrown is logged and traced, and nothing else comes of it. */
  tells: { timeoutMs: usualTimeoutMs, may: "look; a throw is logged and traced only" },
  /** Daemon points, with a supervisor of processes. */
  supervises: { timeoutMs: 60_000, may: "start assistant processes; see below" },
  /** The table of the HTTP API. */
  routes: { timeoutMs: usualTimeoutMs, may: "add, remove, wrap, replace" },
} as const;

export type RuleName = keyof typeof pointRules;

/** One line of the table of points. */
export interface PointEntry {
  readonly rule: RuleName;
  /** What a plugin is given before the `call`, in this order. */
  readonly args: readonly Argument[];
  /** What it may answer: at `changes`, `rewrites` and `routes` one of the arguments. */
  readonly answer?: Argument;
  /** Fields of the answer that have to stay as they are, and whose they are. */
  readonly keeps?: { readonly of: string; readonly fields: readonly string[] };
  /** The point whose plugins are asked about the body that comes out. */
  readonly thenAsks?: PointName;
  /** What a plugin may do, for the documentation. Default: what the rule says. */
  readonly may?: string;
}
