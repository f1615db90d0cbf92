import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import type { Draft, Scratch } from "../images/new/image-drafts.ts";
import { expand } from "../images/instructions/words.ts";
import { baseImage } from "./base-image.ts";
import { BuildArguments } from "./build-arguments.ts";
import type { BuildRoom } from "./build-room.ts";
import type { Dockerfile, Instruction, Stage } from "./dockerfile/instruction.ts";
import { parseInstruction } from "./dockerfile/parse-dockerfile.ts";
import { addLabels, argumentsOf } from "./steps/config-steps.ts";
import { doStep } from "./steps/do-step.ts";
import { nextDraft } from "./steps/next-draft.ts";
import { shownId, type StepState } from "./steps/step-state.ts";

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Builds stage after stage; returns what the last one made. */
export async function runBuild(room: BuildRoom, dockerfile: Dockerfile): Promise<Draft> {
  const stages = wantedStages(dockerfile.stages, room.request.target);
  const labels = Object.entries(room.request.labels).toSorted();
  const counts = stages.map(({ instructions }) => instructions.length + 1);
  const counter = { done: 0, all: counts.reduce((sum, count) => sum + count, dockerfile.arguments.length + labels.length) };
  if (dockerfile.warnings.length > 0) await room.output.warn(`${dockerfile.warnings.join("\n")}\n`);
  const given = new BuildArguments(room.request.arguments);
  for (const instruction of dockerfile.arguments) {
    await announce(room, counter, instruction.text);
    for (const [name, value] of argumentsOf(instruction.rest, given.global, room.escape)) given.declareGlobally(name, value);
  }
  for (const [index, stage] of stages.entries()) {
    if (room.done.some(({ name }) => name !== undefined && name === stage.name))
      throw invalidArgument(`${stage.name} stage name already used`);
    const draft = await runStage(room, stage, given, counter, index === stages.length - 1 ? labels : []);
    if (draft.id !== "") await room.output.tell({ aux: { ID: draft.id } });
    room.done.push({ name: stage.name, draft });
  }
  if (given.unused.length > 0)
    await room.output.say(`[Warning] One or more build-args [${given.unused.join(" ")}] were not consumed\n`);
  const last = room.done.at(-1)?.draft;
  if (last === undefined || !("documents" in last)) throw invalidArgument("No image was generated. Is your Dockerfile empty?");
  return last;
}

interface Counter {
  done: number;
  all: number;
}

/** The stages up to the one that is asked for. */
function wantedStages(stages: readonly Stage[], target: string | undefined): readonly Stage[] {
  if (!target) return stages;
  const named = stages.findIndex(({ name }) => name === target.toLowerCase());
  const index = named === -1 && /^\d+$/.test(target) ? Number(target) : named;
  if (index === -1 || index >= stages.length) throw invalidArgument(`failed to reach build target ${target} in Dockerfile`);
  return stages.slice(0, index + 1);
}

async function announce({ output }: BuildRoom, counter: Counter, text: string): Promise<void> {
  counter.done++;
  await output.say(`Step ${counter.done}/${counter.all} : ${text}`);
  await output.say("\n");
}

async function runStage(
  room: BuildRoom,
  stage: Stage,
  given: BuildArguments,
  counter: Counter,
  labels: readonly (readonly [string, string])[],
): Promise<Draft | Scratch> {
  const { output, signal, drafts } = room;
  await announce(room, counter, stage.from.text);
  const state = await begin(room, stage, given);
  try {
    await runTriggers(room, state);
    await output.say(` ---> ${shownId(state.draft)}\n`);
    for (const instruction of stage.instructions) {
      signal.throwIfAborted();
      await announce(room, counter, instruction.text);
      await doStep(room, state, instruction);
      await output.say(` ---> ${shownId(state.draft)}\n`);
    }
    for (const [name, value] of labels) {
      await announce(room, counter, `LABEL ${name}=${value}`);
      const comment = addLabels(state, [[name, value]]);
      await nextDraft(room, state, { comment: ` ${comment}`, madeOf: ["LABEL", comment] });
      await output.say(` ---> ${shownId(state.draft)}\n`);
    }
  } finally {
    // As far as it has come: another build may take it up from there.
    if ("documents" in state.draft && state.draft.keys.length > 0) await drafts.keep(state.draft, []);
  }
  return state.draft;
}

async function begin(room: BuildRoom, stage: Stage, given: BuildArguments): Promise<StepState> {
  const { global } = given;
  const base = expand(stage.base, global, room.escape);
  if (base === "") throw invalidArgument(`base name (${stage.base}) should not be blank`);
  const platform = expand(stage.from.flags.get("platform") ?? "", global, room.escape) || room.request.platform;
  const draft = await baseOf(room, base, platform);
  const config = "documents" in draft ? { ...draft.documents.config.config, ...withoutStdin(draft) } : {};
  const env = config.Env ?? [];
  return {
    draft,
    config: env.some((entry) => entry.startsWith("PATH=")) ? config : { ...config, Env: [...env, defaultPath] },
    author: "",
    arguments: given.forStage(),
    isCommandGiven: false,
  };
}

/** A step runs without anybody at its standard input, whatever the image says. */
function withoutStdin({ documents }: Draft): object {
  const config: object = documents.config.config ?? {};
  return { ...("OpenStdin" in config && { OpenStdin: false }), ...("StdinOnce" in config && { StdinOnce: false }) };
}

async function baseOf(room: BuildRoom, base: string, platform: string | undefined): Promise<Draft | Scratch> {
  const stage = room.done.find(({ name }) => name === base.toLowerCase());
  if (stage) return stage.draft;
  if (base === "scratch") return { id: "", platform: room.deps.images.platform(platform) };
  return await baseImage(room, base, platform);
}

/** What the image asks of those who build on it. */
async function runTriggers(room: BuildRoom, state: StepState): Promise<void> {
  const triggers = state.config.OnBuild ?? [];
  if (triggers.length === 0) return;
  const { OnBuild: _, ...config } = state.config;
  state.config = config;
  await room.output.say(`# Executing ${triggers.length} build trigger${triggers.length === 1 ? "" : "s"}\n`);
  for (const text of triggers) await doStep(room, state, triggerOf(text));
}

function triggerOf(text: string): Instruction {
  try {
    return parseInstruction(text);
  } catch (error) {
    throw invalidArgument(messageChain(error), { cause: error });
  }
}
