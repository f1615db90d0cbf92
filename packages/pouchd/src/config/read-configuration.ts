import { parseStrictJson } from "@pouchcontainer/api";
import { invalidArgument, EngineError, messageChain } from "@pouchcontainer/errors";
import { readFileSync } from "node:fs";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { checkConfiguration } from "./check-configuration.ts";
import { pluginCommandOf, type PluginCommand } from "./plugin-command.ts";
import { optionSpecs, optionTable, type Configuration, type OptionSpec } from "./options.ts";

export type Invocation =
  | { action: "run" | "rebuild-store"; configuration: Configuration }
  | { action: "plugin"; command: PluginCommand; configuration: Configuration }
  | { action: "help" }
  | { action: "version" };

type Value = string | boolean | number | string[] | Record<string, string>;

/**
 * The configuration of this run: defaults, then the configuration file, then flags. One option in both the file and the
 * flags is an error, as dockerd has it: nobody could say which one was meant.
 */
export function readConfiguration(
  args: string[],
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): Invocation {
  const { flags, words } = readFlags(args);
  if (flags.get("help")) return { action: "help" };
  if (flags.get("version")) return { action: "version" };

  const command = pluginCommandOf(words);
  const file = readConfigFile(configFileOf(flags), flags.has("config-file"), readFile);
  const both = [...flags.keys()].filter((name) => file.has(name));
  if (both.length > 0) {
    throw invalidArgument(
      `these options are given both as a flag and in the configuration file: ${both.join(", ")}; keep one of the two`,
    );
  }
  const values: Record<string, Value> = {};
  for (const [name, spec] of optionSpecs) {
    const value = flags.get(name) ?? file.get(name) ?? defaultOf(spec);
    if (value !== undefined) values[name] = value;
  }
  // Every name and type in `values` comes from the table Configuration is derived from.
  const configuration = values as unknown as Configuration;
  checkConfiguration(configuration, (name) => (file.has(name) ? `${configFileOf(flags)}: "${name}"` : `--${name}`));
  if (command === undefined) return { action: flags.get("rebuild-store") ? "rebuild-store" : "run", configuration };
  if (flags.get("rebuild-store")) throw invalidArgument("--rebuild-store is no option of pouchd plugin: run one after the other");
  return { action: "plugin", command, configuration };
}

function defaultOf(spec: OptionSpec): Value | undefined {
  if (spec.type === "map") return {};
  const value = spec.default;
  return typeof value === "object" ? [...value] : value;
}

function readFlags(args: string[]): { flags: Map<string, Value>; words: string[] } {
  const options: ParseArgsConfig["options"] = {
    help: { type: "boolean", short: "h" },
    version: { type: "boolean", short: "v" },
    "rebuild-store": { type: "boolean" },
  };
  for (const [name, spec] of optionSpecs) {
    options[name] = {
      type: spec.type === "boolean" ? "boolean" : "string",
      multiple: spec.type === "list" || spec.type === "map",
      ...(spec.short && { short: spec.short }),
    };
  }
  let tokens;
  try {
    ({ tokens } = parseArgs({ args: args.map(booleanWithValue), options, allowPositionals: true, strict: false, tokens: true }));
  } catch (error) {
    throw invalidArgument(EngineError.from(error).message, { cause: error });
  }
  const values = new Map<string, Value>();
  const words: string[] = [];
  for (const token of tokens ?? []) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name === "help" || token.name === "version" || token.name === "rebuild-store")
      values.set(token.name, token.value !== "false");
    else addFlag(values, token.name, token.rawName, token.value);
  }
  return { flags: values, words };
}

/** `--icc=false` as `--no-icc`, the form parseArgs knows. */
function booleanWithValue(argument: string): string {
  const match = /^--([a-z0-9-]+)=(true|false)$/.exec(argument);
  const [, name, value] = match ?? [];
  if (!name || optionSpecs.get(name)?.type !== "boolean") return argument;
  return value === "true" ? `--${name}` : `--no-${name}`;
}

function addFlag(values: Map<string, Value>, name: string, rawName: string, text: string | undefined): void {
  const negated = name.startsWith("no-") && optionSpecs.get(name.slice(3))?.type === "boolean";
  if (negated) {
    values.set(name.slice(3), false);
    return;
  }
  const spec = optionSpecs.get(name);
  if (!spec) throw invalidArgument(`unknown flag ${rawName}${suggestion(name, "--")}; see pouchd --help`);
  if (spec.type === "boolean") {
    if (text !== undefined) throw invalidArgument(`${rawName} is true or false, got "${text}"`);
    values.set(name, true);
    return;
  }
  if (text === undefined || text === "")
    throw invalidArgument(`${rawName} needs a value: ${rawName} ${spec.placeholder ?? "VALUE"}`);
  if (spec.type === "string") values.set(name, text);
  else if (spec.type === "integer") values.set(name, integer(rawName, text));
  else if (spec.type === "list") values.set(name, [...((values.get(name) as string[] | undefined) ?? []), text]);
  else {
    const equals = text.indexOf("=");
    if (equals < 1) throw invalidArgument(`${rawName} takes KEY=VALUE, got "${text}"`);
    const map = (values.get(name) as Record<string, string> | undefined) ?? {};
    values.set(name, { ...map, [text.slice(0, equals)]: text.slice(equals + 1) });
  }
}

function integer(where: string, text: string): number {
  if (!/^\d+$/.test(text)) throw invalidArgument(`${where} is a whole number, got "${text}"`);
  return Number(text);
}

function configFileOf(flags: ReadonlyMap<string, Value>): string {
  const asked = flags.get("config-file");
  return typeof asked === "string" ? asked : optionTable["config-file"].default;
}

function readConfigFile(path: string, asked: boolean, readFile: (path: string) => string): Map<string, Value> {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (absent && !asked) return new Map();
    throw invalidArgument(`cannot read the configuration file ${path} (--config-file): ${messageChain(error)}`, { cause: error });
  }
  let parsed: unknown;
  try {
    parsed = parseStrictJson(text);
  } catch (error) {
    throw invalidArgument(`the configuration file ${path} is not valid JSON: ${EngineError.from(error).message}`, {
      cause: error,
    });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw invalidArgument(`the configuration file ${path} must hold one JSON object`);
  }
  return new Map(Object.entries(parsed).map(([key, value]) => [key, fileValue(path, key, value)]));
}

function fileValue(path: string, key: string, value: unknown): Value {
  const spec = optionSpecs.get(key);
  if (key === "config-file") throw invalidArgument(`${path}: "config-file" is a flag only: this is that file`);
  if (!spec) throw invalidArgument(`${path}: unknown key "${key}"${suggestion(key, "")}`);
  const strings = (values: unknown[]): boolean => values.every((item) => typeof item === "string");
  const fits = {
    string: () => typeof value === "string",
    boolean: () => typeof value === "boolean",
    integer: () => Number.isInteger(value),
    list: () => Array.isArray(value) && strings(value),
    map: () => typeof value === "object" && value !== null && !Array.isArray(value) && strings(Object.values(value)),
  }[spec.type]();
  const wanted = {
    string: "a string",
    boolean: "true or false",
    integer: "a whole number",
    list: "a list of strings",
    map: "an object of strings",
  };
  if (!fits) throw invalidArgument(`${path}: "${key}" must be ${wanted[spec.type]}, got ${JSON.stringify(value)}`);
  // `fits` has just checked the value against the option's type.
  return value as Value;
}

function suggestion(name: string, prefix: string): string {
  let best: { name: string; distance: number } | undefined;
  for (const candidate of optionSpecs.keys()) {
    const distance = editDistance(name, candidate);
    if (!best || distance < best.distance) best = { name: candidate, distance };
  }
  return best && best.distance <= Math.max(2, name.length / 3) ? `, did you mean ${prefix}${best.name}?` : "";
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
