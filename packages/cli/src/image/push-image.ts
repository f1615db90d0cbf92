import type { CliContext } from "../context.ts";
import { inPath } from "../for-each-name.ts";
import { postWithProgress } from "../progress-stream.ts";
import { authHeader } from "./credentials.ts";
import { platformQuery } from "./platform.ts";
import type { ImageName } from "./reference.ts";

export interface PushOptions {
  platform: string | undefined;
  quiet: boolean;
  allTags: boolean;
}

/** Pushes an image, or all tags of a repository, and shows how far it is. */
export async function pushImage(context: CliContext, name: ImageName, options: PushOptions): Promise<void> {
  const query = { tag: options.allTags ? undefined : (name.tag ?? "latest"), platform: platformQuery(options.platform) };
  const headers = authHeader(context, name.registry);
  const notes: string[] = [];
  const onAux = (aux: unknown): void => void notes.push(...notesOf(aux));
  const path = `/images/${inPath(name.repository)}/push`;
  await postWithProgress(context, path, { query, headers }, options.quiet ? undefined : context.out, onAux);
  for (const note of notes) context.err.write(note);
}

/** An index goes only with all that it names. */
function notesOf(aux: unknown): string[] {
  if (typeof aux !== "object" || aux === null || !("manifestPushedInsteadOfIndex" in aux)) return [];
  const { originalIndex, selectedManifest } = aux as Partial<Record<string, { digest?: string }>>;
  return [
    `Not all platforms of the image are here: its index ${originalIndex?.digest} was not pushed, but the image ${selectedManifest?.digest}\n`,
  ];
}
