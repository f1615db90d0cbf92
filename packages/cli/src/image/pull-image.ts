import type { CliContext } from "../context.ts";
import type { Output } from "../output/output.ts";
import { postWithProgress } from "../progress-stream.ts";
import { authHeader } from "./credentials.ts";
import { parseImageName } from "./reference.ts";

export interface PullOptions {
  platform: string | undefined;
  quiet: boolean;
  allTags?: boolean;
  /** Where the progress is drawn. */
  progress: Output;
}

/** Pulls an image and shows how far it is. */
export async function pullImage(context: CliContext, image: string, options: PullOptions): Promise<void> {
  const name = parseImageName(image);
  const tag = name.digest ?? name.tag ?? (options.allTags === true ? undefined : "latest");
  const query = { fromImage: name.repository, tag, platform: options.platform };
  const headers = authHeader(context, name.registry);
  await postWithProgress(context, "/images/create", { query, headers }, options.quiet ? undefined : options.progress);
}
