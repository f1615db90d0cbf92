import { invalidArgument, type EngineError } from "@pouchcontainer/errors";
import type { RotationOptions } from "./rotating-file.ts";
import { linearPattern } from "../../linear-pattern.ts";

export interface LogConfig {
  driver: "json-file" | "none";
  rotation: RotationOptions;
  attrs: Record<string, string>;
}

interface Described {
  labels: Record<string, string>;
  env: string[];
}

const known = new Set([
  "max-size",
  "max-file",
  "compress",
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
  "mode",
  "max-buffer-size",
]);

/** Refuses what cannot be, where the options are given. Of a container that has them already a limit of 0 or -1 is none. */
export function checkLogConfig(type: string, options: Record<string, string>, container: Described): void {
  const { "max-size": size } = options;
  if (size === "-1") throw invalidSize(size);
  parseLogConfig(type, options, container);
  if (size !== undefined && type !== "local" && parseSize(size) === 0)
    throw invalidArgument(`max-size must be a positive number: got '${size}'`);
}

/** Reads `HostConfig.LogConfig`. `local` is kept in json-file's format: the same options, the same `logs`. */
export function parseLogConfig(type: string, options: Record<string, string>, container: Described): LogConfig {
  const driver = type === "" || type === "local" ? "json-file" : type;
  if (driver !== "json-file" && driver !== "none") {
    throw invalidArgument(`logger: no log driver named '${type}' is registered: use json-file, local or none`);
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw invalidArgument(`unknown log opt '${name}' for ${driver} log driver`);
  }
  const maxSizeBytes = options["max-size"] === undefined ? (type === "local" ? 20 << 20 : -1) : parseSize(options["max-size"]);
  const maxFiles = options["max-file"] === undefined ? (type === "local" ? 5 : 1) : Number(options["max-file"]);
  if (!Number.isInteger(maxFiles) || maxFiles < 1)
    throw invalidArgument(`max-file cannot be less than 1: got "${options["max-file"]}"`);
  const compress = parseBoolean("compress", options["compress"], type === "local");
  if (compress && (maxSizeBytes === -1 || maxFiles === 1) && type !== "local") {
    throw invalidArgument("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return { driver, rotation: { maxSizeBytes, maxFiles, compress }, attrs: attrsOf(options, container) };
}

function attrsOf(options: Record<string, string>, container: Described): Record<string, string> {
  const variables = (): [string, string][] => container.env.filter((entry) => entry.includes("=")).map(splitEnv);
  return {
    ...chosen(() => Object.entries(container.labels), options["labels"], options["labels-regex"]),
    ...chosen(variables, options["env"], options["env-regex"]),
    ...(options["tag"] ? { tag: options["tag"] } : {}),
  };
}

function splitEnv(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}

function chosen(from: () => [string, string][], names: string | undefined, pattern: string | undefined): Record<string, string> {
  const wanted = new Set((names ?? "").split(",").filter((name) => name !== ""));
  const regex = pattern === undefined || pattern === "" ? undefined : compileRegex(pattern);
  if (wanted.size === 0 && regex === undefined) return {};
  return Object.fromEntries(from().filter(([name]) => wanted.has(name) || regex?.test(name)));
}

function compileRegex(pattern: string): RegExp {
  try {
    return linearPattern(pattern);
  } catch (error) {
    throw invalidArgument(`invalid regular expression in log options: ${pattern}`, { cause: error });
  }
}

/** `10m`, `1g`, `512k`, plain bytes, each 1000 of the one before (go-units' `FromHumanSize`); -1 is without limit. */
function parseSize(text: string): number {
  if (text === "-1") return -1;
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (!match) throw invalidSize(text);
  return Math.floor(Number(match[1]) * 1000 ** " kmgtp".indexOf((match[2] ?? "").toLowerCase() || " "));
}

const invalidSize = (text: string): EngineError => invalidArgument(`invalid size: '${text}' for max-size`);

function parseBoolean(name: string, text: string | undefined, whenAbsent: boolean): boolean {
  if (text === undefined) return whenAbsent;
  if (["true", "1", "t", "T", "TRUE", "True"].includes(text)) return true;
  if (["false", "0", "f", "F", "FALSE", "False"].includes(text)) return false;
  throw invalidArgument(`invalid value for log opt '${name}': ${text}: use true or false`);
}
