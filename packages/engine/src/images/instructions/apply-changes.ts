import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageRunConfig } from "@pouchcontainer/oci";
import { posix } from "node:path";
import { commandOf, emptySet, healthcheckOf, pairsOf, placesOf, exposedPorts, trigger, withVariables } from "./values.ts";
import { expand, expandAll, rawWords, type Variables } from "./words.ts";

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
      ExposedPorts: { ...config.ExposedPorts, ...emptySet(exposedPorts(expandAll(rawWords(rest), variables))) },
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

export function variablesOf({ Env = [] }: ImageRunConfig): Variables {
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

function single(instruction: string, rest: string, variables: Variables): string {
  if (rawWords(rest).length > 1) throw invalidArgument(`${instruction} requires exactly one argument`);
  return expand(rest, variables);
}
