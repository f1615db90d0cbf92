import { join } from "node:path";
import { removeTree } from "../remove-tree.ts";
import type { Container } from "./container.ts";
import { namesIn } from "./folder-names.ts";

const prefix = "exec-";

/** Where the pipes of an exec are. */
export const execStreamsDirectory = (container: Container, execId: string): string =>
  join(container.execDirectory, `${prefix}${execId.slice(0, 16)}`);

/** Pipes of execs that a daemon before this one began: they run on, and nobody knows them any more. */
export async function removeLostExecStreams(container: Container): Promise<void> {
  const known = new Set([...container.execIds].map((id) => execStreamsDirectory(container, id)));
  for (const name of await namesIn(container.execDirectory)) {
    const path = join(container.execDirectory, name);
    if (name.startsWith(prefix) && !known.has(path)) await removeTree(path);
  }
}
