import { invalidArgument, isKind } from "@pouchcontainer/errors";
import type { ImageRunConfig } from "@pouchcontainer/oci";
import { parseSignal } from "../../signals.ts";
import {
  emptySet,
  exposedPorts,
  healthcheckOf,
  jsonWords,
  pairsOf,
  placesOf,
  portsOf,
  withVariables,
  shellOf,
} from "../../images/instructions/values.ts";
import { expand, expandAll, rawWords, type Variables } from "../../images/instructions/words.ts";
import type { Instruction } from "../dockerfile/instruction.ts";
import { goHealthcheck, goQuotedList } from "./go-text.ts";
import type { StepState } from "./step-state.ts";

interface Words {
  variables: Variables;
  escape: string;
}

/** Changes the state and returns what the history says of it. */
type ConfigStep = (state: StepState, instruction: Instruction, words: Words) => string;

/** Instructions that change nothing but what the image's containers are to be. */
export const configSteps: Partial<Record<string, ConfigStep>> = {
  ENV: (state, { rest }, { variables, escape }) => {
    const pairs = pairsOf("ENV", rest, variables, escape);
    change(state, { Env: withVariables(state.config.Env ?? [], pairs) });
    return `ENV ${told(pairs)}`;
  },
  LABEL: (state, { rest }, { variables, escape }) => addLabels(state, pairsOf("LABEL", rest, variables, escape)),
  ARG: (state, { rest }, { variables, escape }) => {
    const declared = argumentsOf(rest, variables, escape);
    for (const [name, value] of declared) state.arguments.declare(name, value);
    return `ARG ${declared.map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join(" ")}`;
  },
  CMD: (state, { rest }) => {
    const command = commandOf(state.config, rest);
    change(state, { Cmd: command });
    state.isCommandGiven = true;
    return `CMD ${goQuotedList(command)}`;
  },
  ENTRYPOINT: (state, { rest: text }) => {
    const entrypoint = commandOf(state.config, text);
    const { Entrypoint: _, Cmd, ...rest } = state.config;
    // A command that was not given with it was for the old entry point.
    const kept = state.isCommandGiven && Cmd !== undefined;
    state.config = { ...rest, ...(entrypoint.length > 0 && { Entrypoint: entrypoint }), ...(kept && { Cmd }) };
    return `ENTRYPOINT ${goQuotedList(entrypoint)}`;
  },
  EXPOSE: (state, { rest }, { variables, escape }) => {
    const ports = expandAll(rawWords(rest, escape), variables, escape).flatMap((words) => rawWords(words));
    change(state, { ExposedPorts: { ...state.config.ExposedPorts, ...emptySet(exposedPorts(ports, exposed)) } });
    return `EXPOSE ${ports.toSorted().join(" ")}`;
  },
  VOLUME: (state, { rest }, { variables, escape }) => {
    const places = placesOf(rest, variables, escape);
    change(state, { Volumes: { ...state.config.Volumes, ...emptySet(places) } });
    return `VOLUME [${places.join(" ")}]`;
  },
  USER: (state, { rest }, { variables, escape }) => {
    const user = expand(rest, variables, escape);
    change(state, { User: user });
    return `USER ${user}`;
  },
  STOPSIGNAL: (state, { rest }, { variables, escape }) => {
    const signal = expand(rest, variables, escape);
    parseSignal(signal);
    change(state, { StopSignal: signal });
    return `STOPSIGNAL ${signal}`;
  },
  SHELL: (state, { rest }) => {
    const shell = jsonWords(rest) ?? [];
    change(state, { Shell: shell });
    return `SHELL [${shell.join(" ")}]`;
  },
  HEALTHCHECK: (state, { whole }) => {
    const check = healthcheckOf(whole);
    // What it does not say stays as it was, as with dockerd.
    change(state, { Healthcheck: { ...state.config.Healthcheck, ...check } });
    return `HEALTHCHECK ${goHealthcheck(check)}`;
  },
  ONBUILD: (state, { rest }) => {
    change(state, { OnBuild: [...(state.config.OnBuild ?? []), rest] });
    return `ONBUILD ${rest}`;
  },
  MAINTAINER: (state, { rest }) => {
    state.author = rest;
    return `MAINTAINER ${rest}`;
  },
};

/** Names and values as they are, nothing in them replaced. */
export function addLabels(state: StepState, pairs: readonly (readonly [string, string])[]): string {
  change(state, { Labels: { ...state.config.Labels, ...Object.fromEntries(pairs) } });
  return `LABEL ${told(pairs)}`;
}

/** Arguments and the values they have without the client's; undefined for none. */
export function argumentsOf(rest: string, variables: Variables, escape: string): [name: string, value: string | undefined][] {
  const words = rawWords(rest, escape);
  // In pairs, of which a name without a value has an empty second part.
  const parts = words.flatMap((word) => (word.includes("=") ? splitOnce(word) : [word, ""]));
  const expanded = expandAll(parts, variables, escape);
  return words.map((word, index) => [expanded[2 * index] ?? "", word.includes("=") ? expanded[2 * index + 1] : undefined]);
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

/** A command for the shell, or in JSON's form as it is. */
export function commandOf(config: ImageRunConfig, rest: string): string[] {
  return jsonWords(rest) ?? [...shellOf(config), ...(rest === "" ? [] : [rest])];
}

function change(state: StepState, fields: Partial<ImageRunConfig>): void {
  state.config = { ...state.config, ...fields };
}

const told = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([name, value]) => `${name}=${value}`).join(" ");

function exposed(text: string): string[] {
  try {
    return portsOf(text);
  } catch (error) {
    if (isKind(error, "invalidArgument")) throw invalidArgument(`Invalid containerPort: ${text}`, { cause: error });
    throw error;
  }
}
