import type { FileView } from "@pouchcontainer/files";
import type { Draft, ImageDrafts, Scratch } from "../images/new/image-drafts.ts";
import type { BuildDeps, BuildRequest } from "./build-deps.ts";
import type { BuildOutput } from "./build-output.ts";

/** A stage that is done. */
export interface DoneStage {
  name: string | undefined;
  draft: Draft | Scratch;
}

/** What the steps of one build share. */
export interface BuildRoom {
  readonly id: string;
  readonly deps: BuildDeps;
  readonly request: BuildRequest;
  readonly drafts: ImageDrafts;
  readonly output: BuildOutput;
  readonly signal: AbortSignal;
  /** The build's own folder, for what it fetches. */
  readonly folder: string;
  /** The files it was sent. */
  readonly context: FileView;
  /** The Dockerfile's character for a backslash. */
  readonly escape: string;
  /** Images whose steps are taken up though they were not built here. */
  readonly trusted: ReadonlySet<string>;
  readonly done: DoneStage[];
}
