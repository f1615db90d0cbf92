import { invalidArgument } from "@pouchcontainer/errors";

/** How many bad calls, which failed or were too slow, a canary may have. */
export type FailureLimit = { readonly calls: number } | { readonly percent: number };

export interface CanaryLimits {
  readonly failures: FailureLimit;
  /** Milliseconds after which a call is too slow, though its answer counts. Default: its deadline alone, which is a failure. */
  readonly maxMs?: number;
}

/** How a new version is tried. */
export interface CanaryOptions extends CanaryLimits {
  /** Of the plugin's calls, above 0 and below 100. */
  readonly sharePercent: number;
  /** Milliseconds after which it becomes the plugin's version, if it is still there then. Default: when it is promoted. */
  readonly promoteAfterMs?: number;
}

const defaultFailures = 3;
const maxFailures = 1_000_000;
/** As the longest deadline. */
const maxMaxMs = 600_000;
/** Timers end at 24 days. */
const maxPromoteAfterSeconds = 7 * 24 * 3600;

/** What a request for a reload says of a canary; undefined where it asks for none. Throws `invalidArgument` that says what would be right. */
export function canaryOptionsOf(query: URLSearchParams): CanaryOptions | undefined {
  const share = query.get("canary");
  if (share === null) {
    const odd = ["canaryFailures", "canaryMaxMs", "promoteAfter"].find((name) => query.has(name));
    if (odd !== undefined) throw invalidArgument(`${odd} is about a canary: give its share as well, such as canary=5%`);
    return undefined;
  }
  const maxMs = integer(query, "canaryMaxMs", "milliseconds", maxMaxMs);
  const promoteAfter = integer(query, "promoteAfter", "seconds", maxPromoteAfterSeconds);
  return {
    sharePercent: percentOf(share) ?? refuse("canary", "a share of the calls such as 5% or 0.5%, above 0% and below 100%", share),
    failures: failureLimitOf(query.get("canaryFailures") ?? String(defaultFailures)),
    ...(maxMs === undefined ? {} : { maxMs }),
    ...(promoteAfter === undefined ? {} : { promoteAfterMs: promoteAfter * 1000 }),
  };
}

function failureLimitOf(text: string): FailureLimit {
  const percent = percentOf(text);
  if (percent !== undefined) return { percent };
  const calls = wholeNumber(text, maxFailures);
  if (calls !== undefined) return { calls };
  const right = `a number of calls from 1 to ${maxFailures} such as 3, or a share of its calls such as 10%, above 0% and below 100%`;
  return refuse("canaryFailures", right, text);
}

function percentOf(text: string): number | undefined {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
  const percent = Number(digits);
  return percent > 0 && percent < 100 ? percent : undefined;
}

function integer(query: URLSearchParams, name: string, unit: string, max: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return wholeNumber(text, max) ?? refuse(name, `a whole number of ${unit} from 1 to ${max}`, text);
}

function wholeNumber(text: string, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= max ? value : undefined;
}

function refuse(name: string, right: string, given: string): never {
  throw invalidArgument(`${name} must be ${right}, got ${JSON.stringify(given.slice(0, 64))}`);
}
