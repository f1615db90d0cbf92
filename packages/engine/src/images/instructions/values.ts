import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageHealthcheck, ImageRunConfig } from "@pouchcontainer/oci";
import { parseGoDuration } from "../../go-duration.ts";
import { expandAll, rawWords, type Variables } from "./words.ts";

/** What instructions of a Dockerfile say, each in a form of its own (Dockerfile reference). */

export const emptySet = (names: readonly string[]): Record<string, Record<string, never>> =>
  Object.fromEntries(names.map((name) => [name, {}]));

/** A list in JSON's form, or undefined: then it is text for a shell. */
export function jsonWords(text: string): string[] | undefined {
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
export const plainWords = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

export const shellOf = ({ Shell }: ImageRunConfig): readonly string[] => (Shell?.length ? Shell : ["/bin/sh", "-c"]);

export function commandOf(config: ImageRunConfig, rest: string): string[] {
  return jsonWords(rest) ?? [...shellOf(config), rest];
}

/** A variable of an environment: its name, and its value. */
export function variableOf(entry: string): [name: string, value: string] {
  const at = entry.indexOf("=");
  return at === -1 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}

/** `name=value name2="value 2"`, or one name and the rest of the line; as they stand. */
export function rawPairs(instruction: string, rest: string, escape?: string): [name: string, value: string][] {
  const words = rawWords(rest, escape);
  const [first = ""] = words;
  if (!first.includes("=")) {
    if (words.length < 2) throw invalidArgument(`${instruction} must have two arguments`);
    return [[first, rest.slice(first.length).trim()]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at === -1) throw invalidArgument(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** The same with variables replaced. */
export function pairsOf(instruction: string, rest: string, variables: Variables, escape?: string): [string, string][] {
  const words = expandAll(rawPairs(instruction, rest, escape).flat(), variables, escape);
  return Array.from({ length: words.length / 2 }, (_, index) => [
    named(instruction, words[2 * index] ?? ""),
    words[2 * index + 1] ?? "",
  ]);
}

export function named(instruction: string, name: string): string {
  if (name === "") throw invalidArgument(`${instruction} names can not be blank`);
  return name;
}

/** One that is there keeps its place. */
export function withVariables(env: readonly string[], pairs: readonly [string, string][]): string[] {
  const result = [...env];
  const places = new Map(env.map((entry, index): [string, number] => [entry.split("=", 1)[0] ?? "", index]).reverse());
  for (const [name, value] of pairs) {
    const place = places.get(name) ?? result.length;
    places.set(name, place);
    result[place] = `${name}=${value}`;
  }
  return result;
}

const maxPort = 65_535;

/** All ports of an `EXPOSE`. There are no more than so many; ranges that say the same again and again are none of them. */
export function exposedPorts(words: readonly string[], read: (text: string) => string[] = portsOf): string[] {
  const ports = new Set<string>();
  let count = 0;
  for (const word of words) {
    for (const port of read(word)) ports.add(port);
    count += ports.size;
    if (count > 64 * maxPort) throw invalidArgument(`EXPOSE of ${words.length} ranges of ports is refused`);
  }
  return [...ports];
}

/** One that is published for a place on the host is the container's alone here. */
export function portRange(text: string): { from: number; to: number; protocol: string } {
  const [, first, last, protocol = "tcp"] = /^(?:.*:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last ?? first)];
  const isRange = first !== undefined && from <= to && to <= maxPort;
  if (!isRange || !["tcp", "udp", "sctp"].includes(protocol.toLowerCase()))
    throw invalidArgument(`invalid containerPort: ${text}: a port, a range of ports, or one of them with /tcp, /udp or /sctp`);
  return { from, to, protocol: protocol.toLowerCase() };
}

/** Each port of a range is exposed by itself. */
export function portsOf(text: string): string[] {
  const { from, to, protocol } = portRange(text);
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol}`);
}

export function placesOf(rest: string, variables: Variables, escape?: string): string[] {
  const places = expandAll(jsonWords(rest) ?? plainWords(rest), variables, escape).map((place) => place.trim());
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

export function healthcheckOf(rest: string): ImageHealthcheck {
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

export function trigger(rest: string): string {
  const [name = ""] = /^\S+/.exec(rest.toUpperCase()) ?? [];
  if (name === "ONBUILD") throw invalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === "FROM" || name === "MAINTAINER") throw invalidArgument(`${name} isn't allowed as an ONBUILD trigger`);
  return rest;
}
