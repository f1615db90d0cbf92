import { UsageError } from "../cli-error.ts";
import { BadFlagValue } from "./flag-types.ts";
import type { Flags, FlagSpec } from "./flag-types.ts";
import { nearest } from "./suggest.ts";

export interface ParsedLine {
  /** Values by long name, every flag of the command present. */
  values: Record<string, unknown>;
  /** Long names that were given on the command line. */
  given: ReadonlySet<string>;
  args: string[];
}

export interface ParseOptions {
  /** When true, flags end at the first argument: what follows belongs to the container's command. */
  stopAtFirstArg: boolean;
  /** Extra flags that are understood everywhere (`-H`, `--tlsverify`…) unless the command has its own of that spelling. */
  globals?: Flags;
}

interface Known {
  name: string;
  spec: FlagSpec<unknown>;
}

/** Reads a command line in POSIX/GNU notation: `-it`, `-p80:80`, `-p 80:80`, `--name=x`, `--name x`, `--all=false`, `--`. */
export function parseFlags(argv: readonly string[], flags: Flags, options: ParseOptions): ParsedLine {
  const known = index({ ...options.globals, ...flags }, flags);
  const occurrences = new Map<string, string[]>();
  const args: string[] = [];
  const add = (flag: Known, value: string): void => {
    const values = occurrences.get(flag.name);
    if (values === undefined) occurrences.set(flag.name, [value]);
    else values.push(value);
  };

  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") {
      args.push(...argv.slice(i + 1));
      break;
    }
    if (word.length < 2 || !word.startsWith("-")) {
      if (options.stopAtFirstArg) {
        args.push(...argv.slice(i));
        break;
      }
      args.push(word);
    } else if (word.startsWith("--")) {
      i += readLong(word, argv[i + 1], known, add);
    } else {
      i += readCluster(word, argv[i + 1], known, add);
    }
  }
  return { values: readValues(known, occurrences), given: new Set(occurrences.keys()), args };
}

/** Reads `--name`, `--name=value` or `--name value`; returns how many further words were used. */
function readLong(word: string, next: string | undefined, known: KnownFlags, add: (flag: Known, value: string) => void): number {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals === -1 ? undefined : equals);
  const flag = known.long.get(name);
  if (flag === undefined) {
    const near = nearest(name, known.long.keys());
    throw new UsageError(`unknown flag: --${name}`, {
      exitCode: 125,
      ...(near === undefined ? {} : { hint: `Did you mean --${near}?` }),
    });
  }
  if (equals !== -1) add(flag, word.slice(equals + 1));
  else if (flag.spec.placeholder === undefined) add(flag, "true");
  else {
    if (next === undefined) throw new UsageError(`flag needs an argument: --${name}`, { exitCode: 125 });
    add(flag, next);
    return 1;
  }
  return 0;
}

/** Reads `-it`, `-p80:80`, `-p=80:80` or `-p 80:80`; returns how many further words were used. */
function readCluster(
  word: string,
  next: string | undefined,
  known: KnownFlags,
  add: (flag: Known, value: string) => void,
): number {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? "";
    const flag = known.short.get(letter);
    if (flag === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`, { exitCode: 125 });
    const rest = word.slice(at + 1);
    if (rest.startsWith("=")) {
      add(flag, rest.slice(1));
      return 0;
    }
    if (flag.spec.placeholder === undefined) {
      add(flag, "true");
      continue;
    }
    if (rest !== "") {
      add(flag, rest);
      return 0;
    }
    if (next === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`, { exitCode: 125 });
    add(flag, next);
    return 1;
  }
  return 0;
}

interface KnownFlags {
  long: Map<string, Known>;
  short: Map<string, Known>;
}

function index(all: Flags, own: Flags): KnownFlags {
  const long = new Map<string, Known>();
  const short = new Map<string, Known>();
  for (const [name, spec] of Object.entries(all)) {
    const entry = { name, spec };
    for (const spelling of [name, ...(spec.aliases ?? [])]) long.set(spelling, entry);
    // A command's own letter wins over a global one: `run -h` is the hostname, `history -H` is --human.
    if (spec.short !== undefined && (own[name] === spec || !short.has(spec.short))) short.set(spec.short, entry);
  }
  for (const [name, spec] of Object.entries(own)) if (spec.short !== undefined) short.set(spec.short, { name, spec });
  return { long, short };
}

function readValues(known: KnownFlags, occurrences: ReadonlyMap<string, string[]>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, spec } of known.long.values()) {
    if (name in values) continue;
    try {
      values[name] = spec.read(occurrences.get(name) ?? []);
    } catch (error) {
      if (!(error instanceof BadFlagValue)) throw error;
      const label = spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`;
      throw new UsageError(`invalid argument "${error.given}" for "${label}" flag: ${error.message}`, { exitCode: 125 });
    }
  }
  return values;
}
