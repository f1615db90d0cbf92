import { closeSync, constants, lstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "../remove-tree.ts";
import type { Container } from "./container.ts";
import { containersIn, namesIn } from "./folder-names.ts";

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

/**
 * Opens the output pipes of all execs that a daemon before this one began, for as long as a recovery looks at their containers. A shim that
 * has come to open its end waits for a reader, with its lock held, and answers nobody meanwhile.
 */
export async function readLostExecStreams(execRoot: string): Promise<Disposable> {
  const opened: number[] = [];
  for (const id of await containersIn(execRoot))
    for (const name of await namesIn(join(execRoot, id)))
      if (name.startsWith(prefix)) opened.push(...readersOf(join(execRoot, id, name)));
  return { [Symbol.dispose]: () => opened.forEach((fd) => closeSync(fd)) };
}

/** What cannot be opened, with too many of them for one, costs a wait and no start. */
function readersOf(directory: string): number[] {
  return ["stdout", "stderr"].flatMap((stream) => {
    const path = join(directory, stream);
    try {
      return lstatSync(path).isFIFO() ? [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)] : [];
    } catch {
      return [];
    }
  });
}
