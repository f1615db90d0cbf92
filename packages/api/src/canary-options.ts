/** How many bad calls, which failed or were too slow, and crashes a canary may have. */
export type FailureLimit = { readonly calls: number } | { readonly percent: number };

/** How an option of a canary is read, wherever it is given. */
export interface CanaryOption<T> {
  /** Undefined where it is no such value. */
  read(given: string): T | undefined;
  /** What would be one, in words. */
  readonly right: string;
}

/** In percent, above 0 and below 100. */
export const canaryShare: CanaryOption<number> = {
  read: percentOf,
  right: "a share of the calls such as 5% or 0.5%, above 0% and below 100%",
};

const maxFailures = 1_000_000;

/** A number, or a share of its calls. */
export const canaryFailureLimit: CanaryOption<FailureLimit> = {
  read(given) {
    const [percent, calls] = [percentOf(given), wholeNumber(given, maxFailures)];
    if (percent !== undefined) return { percent };
    return calls === undefined ? undefined : { calls };
  },
  right: `a number of calls from 1 to ${maxFailures} such as 3, or a share of its calls such as 10%, above 0% and below 100%`,
};

/** As the longest deadline of a call. */
export const canaryMaxMs = upTo(600_000, "milliseconds");

/** A week: timers end at 24 days. */
export const canaryTrialSeconds = upTo(7 * 24 * 3600, "seconds");

function upTo(max: number, unit: string): CanaryOption<number> {
  return { read: (given) => wholeNumber(given, max), right: `a whole number of ${unit} from 1 to ${max}` };
}

function percentOf(text: string): number | undefined {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
  const percent = Number(digits);
  return percent > 0 && percent < 100 ? percent : undefined;
}

function wholeNumber(text: string, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= max ? value : undefined;
}
