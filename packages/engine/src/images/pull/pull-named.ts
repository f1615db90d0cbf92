import { pullErrorOf } from "../../registry/registry-error.ts";
import type { ProgressSink } from "../../registry/progress.ts";
import { outcomeLine, pullImage } from "./pull-image.ts";
import type { PullDeps, PullRequest } from "./pull-request.ts";
import type { Semaphore } from "../../semaphore.ts";

/** Pulls what the reference names: one image, or, without tag and digest, each tag of the repository, one after the other. */
export async function pullNamed(
  deps: PullDeps,
  request: PullRequest,
  places: Semaphore,
  progress: ProgressSink,
  signal: AbortSignal,
): Promise<void> {
  const { reference } = request;
  const isNamed = reference.tag !== undefined || reference.digest !== undefined;
  const references = isNamed ? [reference] : (await tagsOf(deps, request, signal)).map((tag) => ({ ...reference, tag }));
  let isNewer = false;
  for (const each of references)
    isNewer = (await pullImage(deps, { ...request, reference: each }, places, progress, signal)).isNewer || isNewer;
  progress(outcomeLine(reference, deps.naming, isNewer));
}

async function tagsOf(deps: PullDeps, request: PullRequest, signal: AbortSignal): Promise<string[]> {
  const connection = await deps.connect(request);
  try {
    return await connection.client.listTags(signal);
  } catch (error) {
    throw pullErrorOf(error, request.reference, deps.naming, signal);
  } finally {
    connection.close();
  }
}
