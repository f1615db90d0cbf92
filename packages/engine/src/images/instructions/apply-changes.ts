import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageHealthcheck, ImageRunConfig } from "@pouchcontainer/oci";
import { posix } from "node:path";
import { parseGoDuration } from "../../go-duration.ts";
import { expand, rawWords, type Variables } from "./words.ts";

type Change = (config: ImageRunConfig, rest: string, variables: Variables) => ImageRunConfig;

/**
 * Applies a Dockerfile's instructions to the configuration of an image, as `commit` and `import` take them with `changes`: those that
 * change nothing but the configuration.
 */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  let changed = config;
  let isCommandGiven = false;
  for (const { name, rest } of instructionsOf(changes)) {
    const change = table.get(name);
    if (change === undefined) throw invalidArgument(`${name} is not a valid change command`);
    if (rest === "") throw invalidArgument(`${name.toUpperCase()} requires at least one argument`);
    changed = change(changed, rest, variablesOf(changed));
    if (name === "cmd") isCommandGiven = true;
    // A command that was not given with it was for the old entry point.
    if (name === "entrypoint" && !isCommandGiven) changed = without(changed, "Cmd");
  }
  return changed;
}

/** Lines, those that a backslash joins as one, without comments. */
function instructionsOf(changes: readonly string[]): { name: string; rest: string }[] {
  const lines = changes
    .flatMap((text) => text.split(/\r?\n/))
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\[ \t]*\n/g, "")
    .split("\n");
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [name = ""] = /^\S+/.exec(line) ?? [];
      return { name: name.toLowerCase(), rest: line.slice(name.length).trim() };
    });
}

const table = new Map<string, Change>(
  Object.entries({
    cmd: (config, rest) => ({ ...config, Cmd: commandOf(config, rest) }),
    entrypoint: (config, rest) => ({ ...config, Entrypoint: commandOf(config, rest) }),
    env: (config, rest, variables) => ({ ...config, Env: withVariables(config.Env ?? [], pairsOf("ENV", rest, variables)) }),
    label: (config, rest, variables) => ({
      ...config,
      Labels: { ...config.Labels, ...Object.fromEntries(pairsOf("LABEL", rest, variables)) },
    }),
    expose: (config, rest, variables) => ({
      ...config,
      ExposedPorts: { ...config.ExposedPorts, ...emptySet(rawWords(rest).flatMap((word) => portsOf(expand(word, variables)))) },
    }),
    volume: (config, rest, variables) => ({
      ...config,
      Volumes: { ...config.Volumes, ...emptySet(placesOf(rest, variables)) },
    }),
    user: (config, rest, variables) => ({ ...config, User: single("USER", rest, variables) }),
    workdir: (config, rest, variables) => ({
      ...config,
      WorkingDir: posix.resolve("/", config.WorkingDir ?? "", expand(rest, variables)),
    }),
    stopsignal: (config, rest, variables) => ({ ...config, StopSignal: single("STOPSIGNAL", rest, variables) }),
    healthcheck: (config, rest) => ({ ...config, Healthcheck: healthcheckOf(rest) }),
    onbuild: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), trigger(rest)] }),
  }),
);

function variablesOf({ Env = [] }: ImageRunConfig): Variables {
  return new Map(
    Env.map((entry) => {
      const at = entry.indexOf("=");
      return at === -1 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function without(config: ImageRunConfig, field: "Cmd"): ImageRunConfig {
  const { [field]: _, ...rest } = config;
  return rest;
}

const emptySet = (names: readonly string[]): Record<string, Record<string, never>> =>
  Object.fromEntries(names.map((name) => [name, {}]));

/** A list in JSON's form, or undefined: then it is text for a shell. */
function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined;
  } catch {
    return undefined;
  }
}

const defaultShell = ["/bin/sh", "-c"];

function commandOf({ Shell }: ImageRunConfig, rest: string): string[] {
  return jsonWords(rest) ?? [...(Shell?.length ? Shell : defaultShell), rest];
}

/** `name=value name2="value 2"`, or one name and the rest of the line. */
function pairsOf(instruction: string, rest: string, variables: Variables): [string, string][] {
  const words = rawWords(rest);
  const [first = ""] = words;
  if (!first.includes("=")) {
    if (words.length < 2) throw invalidArgument(`${instruction} must have two arguments`);
    return [[named(instruction, expand(first, variables)), expand(rest.slice(first.length).trim(), variables)]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at === -1) throw invalidArgument(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    return [named(instruction, expand(word.slice(0, at), variables)), expand(word.slice(at + 1), variables)];
  });
}

function named(instruction: string, name: string): string {
  if (name === "") throw invalidArgument(`${instruction} names can not be blank`);
  return name;
}

/** One that is there keeps its place. */
function withVariables(env: readonly string[], pairs: readonly [string, string][]): string[] {
  const result = [...env];
  for (const [name, value] of pairs) {
    const at = result.findIndex((entry) => entry === name || entry.startsWith(`${name}=`));
    result.splice(at === -1 ? result.length : at, at === -1 ? 0 : 1, `${name}=${value}`);
  }
  return result;
}

const maxPort = 65_535;

/** Each port of a range is exposed by itself; one that is published for a place on the host is the container's alone here. */
function portsOf(text: string): string[] {
  const [, first, last, protocol = "tcp"] = /^(?:.*:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last ?? first)];
  const isRange = first !== undefined && from <= to && to <= maxPort;
  if (!isRange || !["tcp", "udp", "sctp"].includes(protocol.toLowerCase()))
    throw invalidArgument(`invalid containerPort: ${text}: a port, a range of ports, or one of them with /tcp, /udp or /sctp`);
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
}

function placesOf(rest: string, variables: Variables): string[] {
  const places = (jsonWords(rest) ?? rawWords(rest)).map((place) => expand(place, variables).trim());
  if (places.includes("")) throw invalidArgument("VOLUME specified can not be an empty string");
  return places;
}

function single(instruction: string, rest: string, variables: Variables): string {
  if (rawWords(rest).length > 1) throw invalidArgument(`${instruction} requires exactly one argument`);
  return expand(rest, variables);
}

const durations = new Map<string, "Interval" | "Timeout" | "StartPeriod" | "StartInterval">(
  Object.entries({
    interval: "Interval",
    timeout: "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
  }),
);

function healthcheckOf(rest: string): ImageHealthcheck {
  const options: ImageHealthcheck = {};
  let text = rest;
  for (let found = /^--([^\s=]+)=(\S*)\s*/.exec(text); found !== null; found = /^--([^\s=]+)=(\S*)\s*/.exec(text)) {
    const [whole, name = "", value = ""] = found;
    setOption(options, name, value);
    text = text.slice(whole.length);
  }
  const [kind = ""] = /^\S+/.exec(text) ?? [];
  const command = text.slice(kind.length).trim();
  if (kind.toUpperCase() === "NONE") {
    if (command !== "") throw invalidArgument("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (kind.toUpperCase() !== "CMD") throw invalidArgument(`Unknown type "${kind}" in HEALTHCHECK (try CMD)`);
  if (command === "") throw invalidArgument("Missing command after HEALTHCHECK CMD");
  const words = jsonWords(command);
  return { Test: words === undefined ? ["CMD-SHELL", command] : ["CMD", ...words], ...options };
}

function setOption(options: ImageHealthcheck, name: string, value: string): void {
  if (name === "retries") {
    if (!/^\d+$/.test(value)) throw invalidArgument(`--retries must be a number of 0 or more, not "${value}"`);
    options.Retries = Number(value);
    return;
  }
  const field = durations.get(name);
  if (field === undefined) throw invalidArgument(`unknown flag: ${name}`);
  options[field] = nanosecondsOf(name, value);
}

function nanosecondsOf(name: string, value: string): number {
  const nanoseconds = parseGoDuration(value);
  if (nanoseconds === undefined) throw invalidArgument(`invalid duration "${value}" of --${name}: for example 30s or 1m30s`);
  if (nanoseconds !== 0 && nanoseconds < 1e6) throw invalidArgument(`Interval "${name}" cannot be less than 1ms`);
  return nanoseconds;
}

function trigger(rest: string): string {
  const [name = ""] = /^\S+/.exec(rest.toUpperCase()) ?? [];
  if (name === "ONBUILD") throw invalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === "FROM" || name === "MAINTAINER") throw invalidArgument(`${name} isn't allowed as an ONBUILD trigger`);
  return rest;
}
