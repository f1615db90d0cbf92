import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageRunConfig } from "@pouchcontainer/oci";
import { posix } from "node:path";
import { parseSignal } from "../../signals.ts";
import { ChangedConfig } from "./changed-config.ts";
import { commandOf, healthcheckOf, jsonWords, named, plainWords, portRange, rawPairs, trigger } from "./values.ts";

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
      for (const port of plainWords(rest).flatMap((word) => plainWords(config.expand(word)))) config.expose(portRange(port));
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

function pairsOf(instruction: string, rest: string, config: ChangedConfig): [string, string][] {
  return rawPairs(instruction, rest).map(([name, value]) => [named(instruction, config.expand(name)), config.expand(value)]);
}

function placesOf(rest: string, config: ChangedConfig): string[] {
  const places = (jsonWords(rest) ?? plainWords(rest)).map((place) => config.expand(place).trim());
  if (places.length === 0) throw invalidArgument("VOLUME requires at least one argument");
  if (places.includes("")) throw invalidArgument("VOLUME specified can not be an empty string");
  return places;
}
