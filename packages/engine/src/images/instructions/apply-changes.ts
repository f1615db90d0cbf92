import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageHealthcheck, ImageRunConfig } from "@pouchcontainer/oci";
import { posix } from "node:path";
import { parseGoDuration } from "../../go-duration.ts";
import { parseSignal } from "../../signals.ts";
import { ChangedConfig } from "./changed-config.ts";
import { rawWords } from "./words.ts";

type Change = (config: ChangedConfig, rest: string) => void;

/** Characters of all instructions of a request: they are read at a stretch. */
const mostText = 256 * 1024;

/**
 * Applies a Dockerfile's instructions to the configuration of an image, as `commit` and `import` take them with `changes`: those that
 * change nothing but the configuration.
 */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const length = changes.reduce((sum, text) => sum + text.length, 0);
  if (length > mostText) throw invalidArgument(`the changes have ${length} characters, more than ${mostText}`);
  const instructions = instructionsOf(changes);
  if (changes.length > 0 && instructions.length === 0) throw invalidArgument("file with no instructions");
  const changed = new ChangedConfig(config);
  for (const { name, rest } of instructions) {
    const change = table.get(name);
    if (change === undefined) throw invalidArgument(`${name} is not a valid change command`);
    if (rest === "") throw invalidArgument(`${name.toUpperCase()} requires at least one argument`);
    change(changed, rest);
  }
  return changed.done();
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
    cmd: (config, rest) => {
      config.plain.Cmd = commandOf(config.plain, rest);
      config.isCommandGiven = true;
    },
    entrypoint: (config, rest) => {
      const command = commandOf(config.plain, rest);
      if (command.length > 0) config.plain.Entrypoint = command;
      else delete config.plain.Entrypoint;
      // A command that was not given with it was for the old entry point.
      if (!config.isCommandGiven) delete config.plain.Cmd;
    },
    env: (config, rest) => config.setVariables(pairsOf("ENV", rest, config)),
    label: (config, rest) => config.addLabels(pairsOf("LABEL", rest, config)),
    expose: (config, rest) => {
      // A variable may stand for many of them, or for none.
      for (const port of plainWords(rest).flatMap((word) => plainWords(config.expand(word)))) config.expose(portsOf(port));
    },
    volume: (config, rest) => config.addVolumes(placesOf(rest, config)),
    user: (config, rest) => {
      config.plain.User = config.expand(rest);
    },
    workdir: (config, rest) => {
      config.plain.WorkingDir = folderOf(config.plain.WorkingDir ?? "", config.expand(rest));
    },
    stopsignal: (config, rest) => {
      config.plain.StopSignal = signalOf(config.expand(rest));
    },
    healthcheck: (config, rest) => {
      config.plain.Healthcheck = healthcheckOf(rest);
    },
    onbuild: (config, rest) => config.addTrigger(trigger(rest)),
  }),
);

function signalOf(text: string): string {
  parseSignal(text);
  return text;
}

/** No kernel opens a longer one (`PATH_MAX`). */
const pathLimit = 4096;

function folderOf(current: string, asked: string): string {
  if (asked === "") throw invalidArgument("cannot normalize nothing");
  const path = asked.startsWith("/") ? asked : posix.join("/", current, asked);
  if (path.length > pathLimit) throw invalidArgument(`WORKDIR has ${path.length} characters, more than ${pathLimit}`);
  return path;
}

/** A list in JSON's form, or undefined: then it is text for a shell. */
function jsonWords(text: string): string[] | undefined {
  const list = text.startsWith("[") ? jsonOf(text) : undefined;
  if (!Array.isArray(list)) return undefined;
  if (list.every((word) => typeof word === "string")) return list;
  throw invalidArgument("when using JSON array syntax, arrays must be comprised of strings only");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of instructions whose words blanks part, whatever quotes are around them. */
const plainWords = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

const defaultShell = ["/bin/sh", "-c"];

function commandOf({ Shell }: ImageRunConfig, rest: string): string[] {
  return jsonWords(rest) ?? [...(Shell?.length ? Shell : defaultShell), rest];
}

/** `name=value name2="value 2"`, or one name and the rest of the line. */
function pairsOf(instruction: string, rest: string, config: ChangedConfig): [string, string][] {
  const words = rawWords(rest);
  const [first = ""] = words;
  if (!first.includes("=")) {
    if (words.length < 2) throw invalidArgument(`${instruction} must have two arguments`);
    return [[named(instruction, config.expand(first)), config.expand(rest.slice(first.length).trim())]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at === -1) throw invalidArgument(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    return [named(instruction, config.expand(word.slice(0, at))), config.expand(word.slice(at + 1))];
  });
}

function named(instruction: string, name: string): string {
  if (name === "") throw invalidArgument(`${instruction} names can not be blank`);
  return name;
}

const maxPort = 65_535;

/** One that is published for a place on the host is the container's alone here. */
function portsOf(text: string): { from: number; to: number; protocol: string } {
  const [, first, last, protocol = "tcp"] = /^(?:.*:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last ?? first)];
  const isRange = first !== undefined && from <= to && to <= maxPort;
  if (!isRange || !["tcp", "udp", "sctp"].includes(protocol.toLowerCase()))
    throw invalidArgument(`invalid containerPort: ${text}: a port, a range of ports, or one of them with /tcp, /udp or /sctp`);
  return { from, to, protocol: protocol.toLowerCase() };
}

function placesOf(rest: string, config: ChangedConfig): string[] {
  const places = (jsonWords(rest) ?? plainWords(rest)).map((place) => config.expand(place).trim());
  if (places.length === 0) throw invalidArgument("VOLUME requires at least one argument");
  if (places.includes("")) throw invalidArgument("VOLUME specified can not be an empty string");
  return places;
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
