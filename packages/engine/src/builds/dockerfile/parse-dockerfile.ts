import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { healthcheckOf, jsonWords, rawPairs, trigger } from "../../images/instructions/values.ts";
import type { Dockerfile, Instruction, Stage } from "./instruction.ts";
import { readLines, type WrittenInstruction } from "./read-lines.ts";

/** Reads a Dockerfile whole, so that a mistake at its end is told before anything is done. Errors are in dockerd's words. */
export function parseDockerfile(source: string): Dockerfile {
  const { escape, instructions, warnings } = readLines(source);
  if (instructions.length === 0) throw invalidArgument("failed to parse Dockerfile: file with no instructions");
  const split = instructions.map((written) => ({ written, parts: splitUp(written.text) }));
  for (const { parts } of split) checkPairs(parts, escape);
  const dockerfile: Dockerfile = { escape, arguments: [], stages: [], warnings };
  for (const { written, parts } of split) {
    const instruction = atLine(written, () => checked(written.text, parts, escape));
    const stage = dockerfile.stages.at(-1);
    if (instruction.name === "FROM") dockerfile.stages.push(atLine(written, () => stageOf(instruction)));
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.name === "ARG") dockerfile.arguments.push(instruction);
    else throw invalidArgument("no build stage in current context");
  }
  if (dockerfile.stages.length === 0) throw invalidArgument("file with no instructions");
  return dockerfile;
}

/** One instruction by itself, as an image's triggers are. */
export function parseInstruction(text: string): Instruction {
  const { escape, instructions } = readLines(text);
  const [written, ...more] = instructions;
  if (written === undefined || more.length > 0) throw invalidArgument("onbuild trigger should be a single expression");
  return checked(written.text, splitUp(written.text), escape);
}

function atLine<T>({ line }: WrittenInstruction, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw invalidArgument(`dockerfile parse error line ${line}: ${messageChain(error)}`, { cause: error });
  }
}

interface Parts {
  name: string;
  flags: [name: string, value: string | undefined][];
  rest: string;
  whole: string;
}

function splitUp(text: string): Parts {
  const [name = ""] = /^\S+/.exec(text) ?? [];
  const whole = text.slice(name.length).trim();
  const flags: Parts["flags"] = [];
  let rest = whole;
  for (let found = flag.exec(rest); found !== null; found = flag.exec(rest)) {
    flags.push([found[1] ?? "", found[2]]);
    rest = rest.slice(found[0].length);
  }
  return { name: name.toUpperCase(), flags, rest, whole };
}

const flag = /^--([^\s=]+)(?:=("(?:[^"\\]|\\.)*"|\S*))?(?:\s+|$)/;

/** dockerd reads pairs before it knows what an instruction is for, and names no line. */
function checkPairs({ name, rest }: Parts, escape: string): void {
  if ((name !== "ENV" && name !== "LABEL") || rest === "") return;
  try {
    rawPairs(name, rest, escape);
  } catch (error) {
    throw invalidArgument(`failed to parse Dockerfile: ${messageChain(error)}`, { cause: error });
  }
}

function checked(text: string, { name, flags, rest, whole }: Parts, escape: string): Instruction {
  const rule = rules[name];
  if (rule === undefined) throw invalidArgument(`unknown instruction: ${name}`);
  const values = new Map<string, string>();
  for (const [key, value] of flags) {
    if (!rule.flags?.includes(key)) throw invalidArgument(`Unknown flag: ${key}`);
    if (value === undefined) throw invalidArgument(`Missing a value on flag: ${key}`);
    if (values.has(key)) throw invalidArgument(`Duplicate flag specified: ${key}`);
    values.set(key, value.startsWith('"') ? value.slice(1, -1) : value);
  }
  const instruction: Instruction = { name, flags: values, rest, whole, text };
  rule.check?.(instruction, escape);
  return instruction;
}

interface Rule {
  flags?: readonly string[];
  check?(instruction: Instruction, escape: string): void;
}

function atLeastOne({ name, whole }: Instruction): void {
  if (whole === "") throw invalidArgument(`${name} requires at least one argument`);
}

function exactlyOne({ name, rest }: Instruction): void {
  if (rest === "") throw invalidArgument(`${name} requires exactly one argument`);
}

function named(instruction: Instruction, escape: string): void {
  atLeastOne(instruction);
  if (rawPairs(instruction.name, instruction.rest, escape).some(([name]) => name === ""))
    throw invalidArgument(`${instruction.name} names can not be blank`);
}

function fromTo(instruction: Instruction): void {
  if (copyWords(instruction).length < 2)
    throw invalidArgument(
      `${instruction.name} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
}

const rules: Partial<Record<string, Rule>> = {
  FROM: { flags: ["platform"] },
  RUN: { flags: ["mount", "network", "security"] },
  CMD: {},
  ENTRYPOINT: {},
  ENV: { check: named },
  LABEL: { check: named },
  ARG: {
    check: (instruction) => {
      atLeastOne(instruction);
      if (/(^|\s)=/.test(instruction.rest)) throw invalidArgument("ARG names can not be blank");
    },
  },
  COPY: { flags: ["from", "chown", "chmod"], check: fromTo },
  ADD: { flags: ["chown", "chmod", "checksum"], check: fromTo },
  EXPOSE: { check: atLeastOne },
  VOLUME: {
    check: (instruction) => {
      atLeastOne(instruction);
      if (jsonWords(instruction.rest)?.some((place) => place.trim() === ""))
        throw invalidArgument("VOLUME specified can not be an empty string");
    },
  },
  USER: { check: exactlyOne },
  WORKDIR: { check: exactlyOne },
  STOPSIGNAL: { check: exactlyOne },
  MAINTAINER: { check: exactlyOne },
  SHELL: {
    check: (instruction) => {
      atLeastOne(instruction);
      const words = jsonWords(instruction.rest);
      if (words === undefined) throw invalidArgument("SHELL requires the arguments to be in JSON form");
      if (words.length === 0) throw invalidArgument("SHELL requires at least one argument");
    },
  },
  HEALTHCHECK: {
    flags: ["interval", "timeout", "start-period", "start-interval", "retries"],
    check: (instruction) => {
      atLeastOne(instruction);
      healthcheckOf(instruction.whole);
    },
  },
  ONBUILD: {
    check: (instruction) => {
      atLeastOne(instruction);
      trigger(instruction.rest);
    },
  },
};

function stageOf(from: Instruction): Stage {
  const [base, as, name, ...more] = from.rest.split(/\s+/).filter((word) => word !== "");
  const isNamed = as?.toUpperCase() === "AS" && name !== undefined && more.length === 0;
  if (base === undefined || (as !== undefined && !isNamed)) throw invalidArgument("FROM requires either one or three arguments");
  const lower = name?.toLowerCase();
  if (lower !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(lower))
    throw invalidArgument(`invalid name for build stage: "${name}", name can't start with a number or contain symbols`);
  return { from, base, name: lower, instructions: [] };
}

/** What a `COPY` or `ADD` names, the last one where it goes. Outside JSON's form blanks cannot be quoted. */
export function copyWords({ rest }: Instruction): string[] {
  return jsonWords(rest) ?? rest.split(/\s+/).filter((word) => word !== "");
}
