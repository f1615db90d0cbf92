import type { ImageRunConfig } from "@pouchcontainer/oci";
import { shortId } from "@pouchcontainer/oci";
import type { Draft, Scratch } from "../../images/new/image-drafts.ts";
import { shellOf, variableOf } from "../../images/instructions/values.ts";
import type { BuildArguments } from "../build-arguments.ts";

/** A stage as far as it has come. Steps change it in place. */
export interface StepState {
  draft: Draft | Scratch;
  /** What the image's containers are to be. */
  config: ImageRunConfig;
  author: string;
  arguments: BuildArguments;
  /** Whether this Dockerfile has said what the command is: a new entry point leaves it then. */
  isCommandGiven: boolean;
}

/** What instructions see: the environment, and arguments that it does not have. */
export function variablesOf({ config, arguments: given }: StepState): Map<string, string> {
  return new Map([...given.visible, ...(config.Env ?? []).map(variableOf)]);
}

/** What the history says of a step that runs nothing. */
export const noOperation = (config: ImageRunConfig, comment: string): string => [...shellOf(config), "#(nop)", comment].join(" ");

export const shownId = ({ id }: Draft | Scratch): string => (id === "" ? "" : shortId(id));
