import type { FailureLimit } from "@pouchcontainer/api";
import type { CanaryLimits } from "./canary-options.ts";

/** Bad calls before a share of calls says something: one of two is no half. */
const fewestFailures = 3;

/** What came of a canary's calls so far and how often it crashed, held against its limits. */
export class CanaryTally {
  readonly #limits: CanaryLimits;
  calls = 0;
  failures = 0;
  slowCalls = 0;
  crashes = 0;
  #lastFailure = "";
  #lastCrash = "";

  constructor(limits: CanaryLimits) {
    this.#limits = limits;
  }

  /** It answered, or refused the request, which is no failure. */
  answered(durationMs: number): void {
    this.calls += 1;
    if (durationMs > (this.#limits.maxMs ?? Infinity)) this.slowCalls += 1;
  }

  failed(words: string): void {
    this.calls += 1;
    this.failures += 1;
    this.#lastFailure = words;
  }

  /** It had this call when it crashed, which is counted by itself, once for all calls that it had. */
  cutOff(): void {
    this.calls += 1;
  }

  /** `how`: in words. */
  crashed(how: string): void {
    this.crashes += 1;
    this.#lastCrash = how;
  }

  /** Which limit was passed, in words; undefined while none is. */
  get passed(): string | undefined {
    const bad = this.failures + this.slowCalls + this.crashes;
    if (!isPassed(this.#limits.failures, bad, this.calls)) return undefined;
    const slow = this.slowCalls === 0 ? [] : [`${this.slowCalls} took longer than ${this.#limits.maxMs} ms`];
    const failed = this.failures === 0 ? [] : [`${this.failures} failed, the last: ${this.#lastFailure}`];
    const calls = `of its ${this.calls} ${this.calls === 1 ? "call" : "calls"} ${[...slow, ...failed].join(", ")}`;
    const times = this.crashes === 1 ? "once" : `${this.crashes} times, the last time`;
    const crashed = this.crashes === 0 ? [] : [`it crashed ${times}: ${this.#lastCrash}`];
    const what = [...(bad > this.crashes ? [calls] : []), ...crashed];
    return `${what.join("; ")} (the limit: ${limitText(this.#limits.failures)})`;
  }
}

function isPassed(limit: FailureLimit, bad: number, calls: number): boolean {
  if ("calls" in limit) return bad >= limit.calls;
  return bad >= fewestFailures && bad * 100 > limit.percent * calls;
}

/** As it is given. */
export function limitText(limit: FailureLimit): string {
  return "calls" in limit ? String(limit.calls) : `${limit.percent}%`;
}
