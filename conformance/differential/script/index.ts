import type { Step } from "../step.ts";
import { archiveCalls } from "./archive-calls.ts";
import { containerCalls } from "./container-calls.ts";
import { createCalls } from "./create-calls.ts";
import { failingCalls } from "./failing-calls.ts";
import { imageCalls } from "./image-calls.ts";
import { lifeCalls } from "./life-calls.ts";
import { listCalls } from "./list-calls.ts";
import { networkCalls } from "./network-calls.ts";
import { slowCalls } from "./slow-calls.ts";
import { streamCalls } from "./stream-calls.ts";
import { systemCalls } from "./system-calls.ts";
import { unknownCalls } from "./unknown-calls.ts";
import { versionCalls } from "./version-calls.ts";
import { volumeCalls } from "./volume-calls.ts";

/** The script, chapter by chapter; each finds what the ones before left. */
export const script: Record<string, Step[]> = {
  system: systemCalls,
  // It holds its volumes meanwhile: what comes next needs none.
  "what takes dockerd long": slowCalls,
  images: imageCalls,
  containers: containerCalls,
  "states of a container": lifeCalls,
  "starts that fail": failingCalls,
  streams: streamCalls,
  "create's options": createCalls,
  lists: listCalls,
  files: archiveCalls,
  versions: versionCalls,
  "what is not there": unknownCalls,
  volumes: volumeCalls,
  networks: networkCalls,
};
