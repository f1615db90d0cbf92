import type { CliContext } from "./context.ts";
import type { Flags, FlagValues } from "./flags/flag-types.ts";
import { UsageError } from "./cli-error.ts";

export interface Example {
  /** The command line, without a prompt. */
  run: string;
  /** What it does, one line. */
  does: string;
}

/** Checks the number of arguments; throws what is wrong in words that go after the command's name. */
export type ArgumentRule = (args: readonly string[]) => string | undefined;

/** A command as data: what it is called like, what it takes, and what runs. */
export interface Command<F extends Flags = Flags> {
  /** What follows the command's name in the usage line. */
  usage: string;
  /** Further paragraphs for `--help`. */
  description?: string;
  args: ArgumentRule;
  flags: F;
  /** Flags end at the first argument: the rest is a command line of its own. */
  stopAtFirstArg?: boolean;
  examples: readonly Example[];
  /** Returns the exit status; nothing means 0. */
  run(context: CliContext, input: CommandInput<F>): Promise<number | void>;
}

/** One command line, read. */
export interface CommandInput<F extends Flags> {
  flags: FlagValues<F>;
  /** Names of the flags that were given, whatever their value. */
  given: ReadonlySet<string>;
  args: string[];
  /** Every command there is, for those that speak about commands. */
  commands: readonly CommandEntry[];
}

/** Where a command's module is found, and the line that lists it. Modules load when their command is called. */
export interface CommandEntry {
  /** Every spelling, the first one being the one that is documented. */
  paths: readonly string[];
  summary: string;
  hidden?: boolean;
  /** Exit status of a failure that has none of its own. Default: 1, to which what compares gives another meaning, as diff(1) does. */
  failureStatus?: number;
  /** What a shell offers for its arguments. */
  names?: "containers" | "images" | "networks" | "plugins" | "volumes";
  load(): Promise<Command>;
}

/** Ties the type of `flags` to the handler, then forgets it: the table holds commands of every shape. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command {
  // The handler only ever receives values read by this command's own flags (parse-flags.ts), so F may be widened.
  return command;
}

const plural = (count: number): string => (count === 1 ? "1 argument" : `${count} arguments`);

export const noArgs: ArgumentRule = (args) => (args.length === 0 ? undefined : "accepts no arguments");
export const exactArgs =
  (count: number): ArgumentRule =>
  (args) =>
    args.length === count ? undefined : `requires ${plural(count)}`;
export const minArgs =
  (count: number): ArgumentRule =>
  (args) =>
    args.length >= count ? undefined : `requires at least ${plural(count)}`;
export const maxArgs =
  (count: number): ArgumentRule =>
  (args) =>
    args.length <= count ? undefined : `requires at most ${plural(count)}`;
export const rangeArgs =
  (min: number, max: number): ArgumentRule =>
  (args) =>
    args.length >= min && args.length <= max ? undefined : `requires at least ${min} and at most ${plural(max)}`;
export const anyArgs: ArgumentRule = () => undefined;

/** The argument at a place that the command's rule guarantees. An empty one is what a script has that lacks a value: it names nothing, not the current folder either. */
export function argument(args: readonly string[], index: number): string {
  const value = args[index];
  if (value === undefined) throw new UsageError(`argument ${index + 1} is missing`);
  if (value === "") throw new UsageError(`argument ${index + 1} is empty`);
  return value;
}
