import type { ImageRunConfig } from "@pouchcontainer/oci";
import type { Readable } from "node:stream";
import type { Draft } from "../../images/new/image-drafts.ts";
import type { BuildRoom } from "../build-room.ts";
import { noOperation, type StepState } from "./step-state.ts";

interface Step {
  /** What the history says of it, behind `#(nop) `; or all that it says. */
  comment?: string;
  createdBy?: string;
  /** Of what it is made, beside the draft before it and the configuration; undefined where another build cannot know. */
  madeOf: unknown;
}

/**
 * Makes the next draft of a state: that of an earlier build, where one did the same; else with the layer that `layer` hands to
 * `make`, or without one.
 */
export async function nextDraft(
  { drafts, request, output, trusted, signal }: BuildRoom,
  state: StepState,
  { comment = "", createdBy = noOperation(state.config, comment), madeOf }: Step,
  layer: (make: (tar?: Readable) => Promise<Draft>) => Promise<Draft> = (make) => make(),
): Promise<void> {
  const before = state.draft;
  const step = { config: imageConfig(state), author: state.author, createdBy, madeOf };
  const known = request.useCache ? await drafts.known(before, step, trusted, signal) : undefined;
  if (known) await output.say(" ---> Using cache\n");
  state.draft = known ?? (await layer((tar) => drafts.next(before, { ...step, layer: tar }, signal)));
}

/** With the fields that dockerd's images have, and the image it was made of. */
function imageConfig({ config, draft }: StepState): ImageRunConfig {
  const all = { ...ofContainers, ...config, Image: draft.id };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** They are a container's alone, and are in images as with dockerd. */
const ofContainers = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
};
