import {
  canaryFailureLimit,
  canaryMaxMs,
  canaryShare,
  canaryTrialSeconds,
  type CanaryOption,
  type FailureLimit,
} from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

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

const defaultFailures = { calls: 3 };

/** What a request for a reload says of a canary; undefined where it asks for none. Throws `invalidArgument` that says what would be right. */
export function canaryOptionsOf(query: URLSearchParams): CanaryOptions | undefined {
  const sharePercent = read(query, "canary", canaryShare);
  if (sharePercent === undefined) {
    const odd = ["canaryFailures", "canaryMaxMs", "promoteAfter"].find((name) => query.has(name));
    if (odd !== undefined) throw invalidArgument(`${odd} is about a canary: give its share as well, such as canary=5%`);
    return undefined;
  }
  const maxMs = read(query, "canaryMaxMs", canaryMaxMs);
  const promoteAfter = read(query, "promoteAfter", canaryTrialSeconds);
  return {
    sharePercent,
    failures: read(query, "canaryFailures", canaryFailureLimit) ?? defaultFailures,
    ...(maxMs === undefined ? {} : { maxMs }),
    ...(promoteAfter === undefined ? {} : { promoteAfterMs: promoteAfter * 1000 }),
  };
}

function read<T>(query: URLSearchParams, name: string, option: CanaryOption<T>): T | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  const value = option.read(given);
  if (value === undefined) throw invalidArgument(`${name} must be ${option.right}, got ${JSON.stringify(given.slice(0, 64))}`);
  return value;
}
