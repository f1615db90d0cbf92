import { EngineError, invalidArgument, notImplemented } from "@pouchcontainer/errors";
import { makeFolders } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { baseImage } from "../base-image.ts";
import { folderView } from "../build-context.ts";
import type { BuildRoom } from "../build-room.ts";
import type { Instruction } from "../dockerfile/instruction.ts";
import { fetchInto, nameFromAddress } from "../fetch-content.ts";
import type { Draft, Scratch } from "../../images/new/image-drafts.ts";
import { commandOf, configSteps } from "./config-steps.ts";
import {
  copyComment,
  copyRequest,
  destinationOf,
  findSources,
  isAddress,
  ownerIds,
  placeSource,
  refuseFew,
  type CopyRequest,
  type FoundSource,
} from "./copy-step.ts";
import { nextDraft } from "./next-draft.ts";
import { viewOf, withPlacedLayer } from "./place-layer.ts";
import { runCommand } from "./run-step.ts";
import { variablesOf, type StepState } from "./step-state.ts";
import { workdirStep } from "./workdir-step.ts";

/** Does what an instruction says; the state is the next one then. */
export async function doStep(room: BuildRoom, state: StepState, instruction: Instruction): Promise<void> {
  switch (instruction.name) {
    case "RUN":
      return await runStep(room, state, instruction);
    case "COPY":
    case "ADD":
      return await copyStep(room, state, instruction);
    case "WORKDIR":
      return await workdirStep(room, state, instruction);
    default:
      return await configStep(room, state, instruction);
  }
}

async function configStep(room: BuildRoom, state: StepState, instruction: Instruction): Promise<void> {
  const step = configSteps[instruction.name];
  if (step === undefined) throw invalidArgument(`unknown instruction: ${instruction.name}`);
  const test = instruction.name === "HEALTHCHECK" ? (state.config.Healthcheck?.Test ?? []) : [];
  if (test.length > 0 && test[0] !== "NONE")
    await room.output.say(`Note: overriding previous HEALTHCHECK: [${test.join(" ")}]\n`);
  const { config } = state;
  const comment = step(state, instruction, { variables: variablesOf(state), escape: room.escape });
  // A shell that is set now is not what the history says it was set by.
  const by = instruction.name === "SHELL" ? state.config : config;
  await nextDraft(room, state, { comment: ` ${comment}`, madeOf: [instruction.name, comment, by.Shell] });
}

async function runStep(room: BuildRoom, state: StepState, { rest, flags }: Instruction): Promise<void> {
  const [flag] = flags.keys();
  if (flag !== undefined)
    throw notImplemented(
      `the --${flag} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
    );
  const { deps, drafts, request, output, signal } = room;
  const command = commandOf(state.config, rest);
  const ownNames = new Set(state.config.Env?.map((entry) => entry.split("=", 1)[0]));
  const variables = [...variablesOf(state)].filter(([name]) => !ownNames.has(name));
  refuseLong(variables);
  const environment = variables.map(([name, value]) => `${name}=${value}`);
  const told = variables.filter(([name]) => state.arguments.isTold(name)).map(([name, value]) => `${name}=${value}`);
  const saved = environment.length === 0 ? command : [`|${told.length}`, ...told.toSorted(), ...command];
  const before = state.draft;
  await nextDraft(room, state, { createdBy: saved.join(" "), madeOf: ["RUN", ...saved] }, async (make) => {
    const draft = filled(before);
    await drafts.show(draft);
    return await runCommand(deps, request, draft, { build: room.id, command, environment }, output, make, signal);
  });
}

/** More than a process can be given. */
const longestEnvironment = 2 << 20;

function refuseLong(variables: readonly (readonly [string, string])[]): void {
  const length = variables.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (length > longestEnvironment)
    throw invalidArgument(`the build arguments of a command have ${length} characters, more than ${longestEnvironment}`);
}

function filled(draft: Draft | Scratch): Draft {
  if ("documents" in draft) return draft;
  throw invalidArgument(
    "no command can be run in an image that has no files: after FROM scratch a COPY or an ADD has to come first",
  );
}

async function copyStep(room: BuildRoom, state: StepState, instruction: Instruction): Promise<void> {
  const { deps, drafts, signal } = room;
  const { files } = deps;
  const request = copyRequest(instruction, variablesOf(state), room.escape);
  await withSources(room, request, async (found) => {
    refuseFew(request, found);
    const comment = copyComment(request, found);
    const path = destinationOf(request.destination, state.config.WorkingDir);
    const before = state.draft;
    await nextDraft(room, state, { comment, madeOf: [comment, path] }, (make) =>
      withPlacedLayer(
        files,
        drafts,
        before,
        async (target) => {
          const owner = await ownerIds(files, request, target);
          for (const one of found) await placeSource(files, { ...request, path, ownerIds: owner }, one, target, signal);
        },
        make,
      ),
    );
  });
}

/** What is copied, which may be an image's files that are there only meanwhile. */
async function withSources(
  room: BuildRoom,
  request: CopyRequest,
  use: (found: readonly FoundSource[]) => Promise<void>,
): Promise<void> {
  const { deps, drafts, signal } = room;
  const { from, name, sources } = request;
  if (from !== undefined) {
    const tree = await drafts.readable(await sourceStage(room, from));
    try {
      await use(await findSources(deps.files, request, sources, viewOf(tree), signal));
    } finally {
      await tree.release();
    }
    return;
  }
  const found: FoundSource[] = [];
  for (const source of sources) {
    if (name === "ADD" && isAddress(source)) found.push(await fetchedSource(room, source));
    else found.push(...(await findSources(deps.files, request, [source], room.context, signal)));
  }
  await use(found);
}

/** A stage by its name or number, or an image. */
async function sourceStage(room: BuildRoom, from: string): Promise<Draft | Scratch> {
  const { done } = room;
  const named = done.find(({ name }) => name === from.toLowerCase());
  if (named) return named.draft;
  if (/^\d+$/.test(from)) {
    const stage = done[Number(from)];
    if (stage === undefined) throw invalidArgument(`invalid from flag value ${from}: index out of bounds`);
    return stage.draft;
  }
  try {
    return await baseImage(room, from, room.request.platform);
  } catch (error) {
    if (!(error instanceof EngineError) || room.signal.aborted) throw error;
    throw new EngineError(error.kind, `invalid from flag value ${from}: ${error.message}`, { cause: error });
  }
}

async function fetchedSource({ deps, folder, signal, output }: BuildRoom, url: string): Promise<FoundSource> {
  const name = nameFromAddress(url);
  const place = join(folder, randomBytes(8).toString("hex"));
  await makeFolders(place, 0o700);
  const current = await fetchInto(deps.web, url, join(place, "content"), signal);
  await output.tell({ status: "Downloading", progressDetail: { current, total: current } });
  const view = folderView(place, true);
  const [source] = await deps.files.copySources(view, ["content"], { owners: false }, signal);
  if (source === undefined) throw invalidArgument(`ADD failed: nothing was fetched from ${url}`);
  return { view, source: { ...source, nameBase64: Buffer.from(name).toString("base64") }, isFetched: true };
}
