/** A flag's value is wrong; the parser adds the flag's name and the text that was given. */
export class BadFlagValue extends Error {
  readonly given: string;

  constructor(given: string, reason: string) {
    super(reason);
    this.name = "BadFlagValue";
    this.given = given;
  }
}

/** One flag as data: how it is spelled, described, and what its occurrences on the command line mean. */
export interface FlagSpec<T> {
  readonly help: string;
  readonly short?: string;
  /** Word for the value in help texts; absent for switches. */
  readonly placeholder?: string;
  /** Shown in help texts as the default. */
  readonly shownDefault?: string;
  /** Other long spellings that mean the same. */
  readonly aliases?: readonly string[];
  /** Works, but is not listed. */
  readonly hidden?: boolean;
  /** The values a shell may offer. */
  readonly choices?: readonly string[];
  /** What the occurrences, in order, mean. Throws BadFlagValue. */
  read(occurrences: readonly string[]): T;
}

export type Flags = Readonly<Record<string, FlagSpec<unknown>>>;

/** What a command's handler receives for its flags, by long name. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: F[K] extends FlagSpec<infer T> ? T : never };

export interface FlagOptions {
  short?: string;
  aliases?: readonly string[];
  hidden?: boolean;
  placeholder?: string;
  choices?: readonly string[];
}

const last = (occurrences: readonly string[]): string | undefined => occurrences[occurrences.length - 1];

/** A switch: `--all`, `--all=false`. */
export function bool(help: string, options: FlagOptions & { default?: boolean } = {}): FlagSpec<boolean> {
  const { default: fallback = false, ...rest } = options;
  return {
    help,
    ...rest,
    ...(fallback ? { shownDefault: "true" } : {}),
    read(occurrences) {
      const given = last(occurrences);
      if (given === undefined) return fallback;
      if (/^(1|t|true)$/i.test(given)) return true;
      if (/^(0|f|false)$/i.test(given)) return false;
      throw new BadFlagValue(given, "must be true or false");
    },
  };
}

/** A value of any text. */
export function text(help: string, options: FlagOptions & { shownDefault?: string } = {}): FlagSpec<string | undefined> {
  return {
    help,
    placeholder: "string",
    ...options,
    read(occurrences) {
      const given = last(occurrences);
      if (given !== undefined && options.choices !== undefined && !options.choices.includes(given)) {
        throw new BadFlagValue(given, `must be one of ${options.choices.join(", ")}`);
      }
      return given;
    },
  };
}

/** A whole number. */
export function int(
  help: string,
  options: FlagOptions & { min?: number; max?: number; shownDefault?: string } = {},
): FlagSpec<number | undefined> {
  const { min, max, ...rest } = options;
  return {
    help,
    placeholder: "int",
    ...rest,
    read(occurrences) {
      const given = last(occurrences);
      if (given === undefined) return undefined;
      const value = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN;
      if (!Number.isSafeInteger(value)) throw new BadFlagValue(given, "must be a whole number");
      if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
        throw new BadFlagValue(given, max === undefined ? `must be ${min} or more` : `must be between ${min} and ${max}`);
      }
      return value;
    },
  };
}

/** Repeatable; every occurrence is one value. */
export function list(help: string, options: FlagOptions = {}): FlagSpec<string[]> {
  return { help, placeholder: "list", ...options, read: (occurrences) => [...occurrences] };
}

/** Repeatable, and one occurrence may hold several values separated by commas. */
export function commaList(help: string, options: FlagOptions = {}): FlagSpec<string[]> {
  return {
    help,
    placeholder: "strings",
    ...options,
    read: (occurrences) => occurrences.flatMap((one) => one.split(",")).filter((one) => one !== ""),
  };
}

/** Repeatable `key=value`; the value may be absent. */
export function map(help: string, options: FlagOptions = {}): FlagSpec<Record<string, string>> {
  return {
    help,
    placeholder: "map",
    ...options,
    read: (occurrences) => keyValues(occurrences),
  };
}

/** Repeatable, each occurrence read by `parse`. */
export function each<T>(help: string, parse: (given: string) => T, options: FlagOptions = {}): FlagSpec<T[]> {
  return { help, placeholder: "list", ...options, read: (occurrences) => occurrences.map(parse) };
}

/** One value read by `parse`. */
export function parsed<T>(
  help: string,
  parse: (given: string) => T,
  options: FlagOptions & { shownDefault?: string } = {},
): FlagSpec<T | undefined> {
  return {
    help,
    placeholder: "string",
    ...options,
    read(occurrences) {
      const given = last(occurrences);
      return given === undefined ? undefined : parse(given);
    },
  };
}

/** `key=value` texts as an object; the later one wins, a missing `=` is an empty value. */
export function keyValues(occurrences: readonly string[]): Record<string, string> {
  const pairs = occurrences.map((one): [string, string] => {
    const at = one.indexOf("=");
    const key = at === -1 ? one : one.slice(0, at);
    if (key === "") throw new BadFlagValue(one, "must look like key=value");
    return [key, at === -1 ? "" : one.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}
