import { CliError, messageOf, UsageError } from "./cli-error.ts";
import { commandTable } from "./command-table.ts";
import type { Command, CommandEntry } from "./command.ts";
import type { CliContext } from "./context.ts";
import { parseFlags } from "./flags/parse-flags.ts";
import { globalFlags } from "./global-flags.ts";
import type { FlagValues } from "./flags/flag-types.ts";
import type { Output } from "./output/output.ts";

export type GlobalValues = FlagValues<typeof globalFlags>;

/** What the process gives the command line; a context for one command is made of it and the global flags. */
export interface CliHost {
  out: Output;
  err: Output;
  contextFor(globals: GlobalValues): CliContext;
}

/** Runs one command line; returns the exit status. Never throws. */
export async function runCli(argv: readonly string[], host: CliHost): Promise<number> {
  let asked: Asked | undefined;
  try {
    const before = splitGlobals(argv);
    if (before.version) return await runEntry(["version"], [], ["--short"], host);
    if (before.words.length === 0) return await printGroup("", host, before.help ? host.out : host.err, before.help ? 0 : 1);
    asked = find(before.words);
    if (asked.entry === undefined) return await unknown(asked, before.words, host);
    return await runEntry(asked.path, before.globals, before.words.slice(asked.path.length), host);
  } catch (error) {
    const status = await report(error, asked, host);
    return status === generalFailure ? (asked?.entry?.failureStatus ?? status) : status;
  }
}

const generalFailure = 1;

interface Asked {
  path: string[];
  entry: CommandEntry | undefined;
}

/** Finds the entry of the longest command name the words begin with. */
function find(words: readonly string[]): Asked {
  for (const length of [2, 1]) {
    const path = words.slice(0, length);
    const spelled = path.join(" ");
    const entry = path.length === length ? commandTable.find((one) => one.paths.includes(spelled)) : undefined;
    if (entry !== undefined) return { path, entry };
  }
  return { path: words.slice(0, 1), entry: undefined };
}

async function runEntry(
  path: readonly string[],
  globals: readonly string[],
  rest: readonly string[],
  host: CliHost,
): Promise<number> {
  const entry = find(path).entry;
  if (entry === undefined) throw new Error(`no command ${path.join(" ")}`);
  const command = await entry.load();
  // Globals typed before the command are read on their own, so that `pouch -H x history -H` means both.
  const ahead = parseFlags(globals, globalFlags, { stopAtFirstArg: false });
  const line = parseFlags(rest, command.flags, { stopAtFirstArg: command.stopAtFirstArg ?? false, globals: globalFlags });
  const merged: Record<string, unknown> = { ...ahead.values };
  for (const name of line.given) if (!(name in command.flags)) merged[name] = line.values[name];
  // Both parses were made with globalFlags, so every global value is present and of its type.
  const values = merged as unknown as GlobalValues;
  if (values.help) {
    const { commandHelp } = await import("./help.ts");
    host.out.write(commandHelp(entry, command, host.out.columns()));
    return 0;
  }
  const complaint = command.args(line.args);
  if (complaint !== undefined) throw new UsageError(`pouch: 'pouch ${path.join(" ")}' ${complaint}`);
  const status = await command.run(host.contextFor(values), {
    flags: line.values,
    given: line.given,
    args: line.args,
    commands: commandTable,
  });
  return status ?? 0;
}

interface BeforeCommand {
  globals: string[];
  words: string[];
  help: boolean;
  version: boolean;
}

/** Separates `-H x -D` at the front from the command's own words. */
function splitGlobals(argv: readonly string[]): BeforeCommand {
  const globals: string[] = [];
  let at = 0;
  let version = false;
  let help = false;
  for (; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (!word.startsWith("-") || word === "-" || word === "--") break;
    if (word === "-v" || word === "--version") version = true;
    else if (word === "--help" || word === "-h") help = true;
    else {
      globals.push(word);
      if (takesNext(word)) globals.push(argv[++at] ?? "");
    }
  }
  return { globals, words: argv.slice(at), help, version };
}

function takesNext(word: string): boolean {
  if (word.includes("=")) return false;
  for (const [name, spec] of Object.entries(globalFlags)) {
    const short: string | undefined = "short" in spec ? spec.short : undefined;
    if (spec.placeholder !== undefined && (word === `--${name}` || (short !== undefined && word === `-${short}`))) return true;
  }
  return false;
}

async function unknown(asked: Asked, words: readonly string[], host: CliHost): Promise<number> {
  const [first = "", second] = words;
  const { groupsOf } = await import("./help.ts");
  const groups = groupsOf(commandTable);
  if (groups.includes(first)) {
    if (second === undefined || second === "--help" || second === "-h") {
      return await printGroup(first, host, second === undefined ? host.err : host.out, second === undefined ? 1 : 0);
    }
    return await unknownName(`${first} ${second}`, first, host);
  }
  if (first === "help") return await runCli([...words.slice(1), "--help"], host);
  return await unknownName(asked.path.join(" "), "", host);
}

async function unknownName(name: string, group: string, host: CliHost): Promise<number> {
  const { nearest } = await import("./flags/suggest.ts");
  const { groupsOf } = await import("./help.ts");
  const candidates = [
    ...commandTable.filter((one) => one.hidden !== true).flatMap((one) => one.paths),
    ...groupsOf(commandTable),
  ];
  const near = nearest(
    name,
    candidates.filter((one) => (group === "" ? !one.includes(" ") : one.startsWith(`${group} `))),
  );
  const help = group === "" ? "pouch --help" : `pouch ${group} --help`;
  host.err.write(
    `pouch: unknown command: pouch ${name}\n${near === undefined ? "" : `\nDid you mean 'pouch ${near}'?\n`}\nRun '${help}' for more information\n`,
  );
  return 1;
}

async function printGroup(group: string, host: CliHost, where: Output, status: number): Promise<number> {
  const { groupHelp, groupSummaries, programSummary } = await import("./help.ts");
  where.write(groupHelp(group, group === "" ? programSummary : (groupSummaries[group] ?? ""), commandTable, where.columns()));
  return status;
}

/** Says what went wrong, and where to read on when the line was typed wrongly. */
async function report(error: unknown, asked: Asked | undefined, host: CliHost): Promise<number> {
  const name = asked?.path.join(" ") ?? "";
  const hint = error instanceof CliError && error.hint !== undefined ? `\n${error.hint}\n` : "";
  if (error instanceof UsageError) {
    const usage = asked?.entry === undefined ? "" : `\nUsage:  pouch ${name} ${await usageOf(asked.entry)}\n`;
    host.err.write(
      `${error.message}\n${hint}${usage}\nRun 'pouch${name === "" ? "" : ` ${name}`} --help' for more information\n`,
    );
    return error.exitCode;
  }
  if (error instanceof CliError) {
    if (error.message !== "") host.err.write(`${error.message}\n${hint}`);
    return error.exitCode;
  }
  host.err.write(`pouch: ${messageOf(error)}\n`);
  if (error instanceof Error && isProgrammingError(error)) host.err.write(`${error.stack ?? ""}\n`);
  return generalFailure;
}

async function usageOf(entry: CommandEntry): Promise<string> {
  const command: Command = await entry.load();
  return command.usage;
}

function isProgrammingError(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}
