import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { expand } from "../../images/instructions/words.ts";
import type { BuildRoom } from "../build-room.ts";
import type { Instruction } from "../dockerfile/instruction.ts";
import { nextDraft } from "./next-draft.ts";
import { withPlacedLayer } from "./place-layer.ts";
import { variablesOf, type StepState } from "./step-state.ts";

/** Of a tar that has nothing in it. */
const emptyTar = Buffer.alloc(1024);

/** Changes the working directory, and makes the folder. */
export async function workdirStep(room: BuildRoom, state: StepState, { rest }: Instruction): Promise<void> {
  const { deps, drafts } = room;
  const path = posix.resolve("/", state.config.WorkingDir || "/", expand(rest, variablesOf(state), room.escape));
  state.config = { ...state.config, WorkingDir: path };
  const before = state.draft;
  await nextDraft(room, state, { comment: `WORKDIR ${path}`, madeOf: ["WORKDIR", path] }, (make) =>
    withPlacedLayer(
      deps.files,
      drafts,
      before,
      async (view) => {
        try {
          await deps.files.placeCopy(view, { path, source: { kind: "folder" } }, Readable.from([emptyTar]));
        } catch (error) {
          if (!(error instanceof EngineError) || !/: (not a directory|file exists)$/.test(error.message)) throw error;
          throw invalidArgument(`Cannot mkdir: ${path} is not a directory`, { cause: error });
        }
      },
      make,
    ),
  );
}
