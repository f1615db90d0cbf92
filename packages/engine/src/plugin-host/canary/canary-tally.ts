import type { CanaryLimits, FailureLimit } from "./canary-options.ts";

/** Bad calls before a share of calls says something: one of two is no half. */
const fewestFailures = 3;

/** What came of a canary's calls so far, held against its limits. */
export class CanaryTally {
  readonly #limits: CanaryLimits;
  calls = 0;
  failures = 0;
  slowCalls = 0;
  #last = "";

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
    this.#last = words;
  }

  /** Which limit was passed, in words; undefined while none is. */
  get passed(): string | undefined {
    const bad = this.failures + this.slowCalls;
    if (!isPassed(this.#limits.failures, bad, this.calls)) return undefined;
    const failed = this.failures === 0 ? [] : [`${this.failures} failed, the last: ${this.#last}`];
    const slow = this.slowCalls === 0 ? [] : [`${this.slowCalls} took longer than ${this.#limits.maxMs} ms`];
    return `of its ${this.calls} ${this.calls === 1 ? "call" : "calls"} ${[...slow, ...failed].join(", ")} (the limit: ${limitText(this.#limits.failures)})`;
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
