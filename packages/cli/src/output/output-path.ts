import type { Stats } from "node:fs";
import { readlink, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CliError, messageOf } from "../cli-error.ts";

/**
 * What is at the place that a command is to write to; absent when nothing is. What is written replaces it, so all but files and
 * folders is refused: a device or a FIFO would be gone. Links are followed.
 */
export async function checkOutputPath(path: string): Promise<Stats | undefined> {
  const folder = dirname(path);
  if ((await statIfThere(folder)) === undefined)
    throw new CliError(`invalid output path: directory ${JSON.stringify(folder)} does not exist`);
  const found = await statIfThere(path);
  if (found === undefined || found.isFile() || found.isDirectory()) return found;
  throw new CliError(
    `invalid output path: ${JSON.stringify(path)} must be a directory or a regular file: got ${kindOf(found)}`,
    found.isFIFO() || found.isCharacterDevice()
      ? { hint: "What is to go through a pipe or a device goes there from stdout." }
      : {},
  );
}

function kindOf(found: Stats): string {
  if (found.isFIFO()) return "a FIFO";
  return found.isSocket() ? "a socket" : "a device";
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw new CliError(`invalid output path: ${messageOf(error)}`, { cause: error });
  }
}

/** As the kernel. */
const mostLinks = 40;

/** Where links lead that are at a path, also to nothing: what is written there comes to be where they lead. */
export async function endOfLinks(path: string): Promise<string> {
  let end = resolve(path);
  for (let followed = 0; followed <= mostLinks; followed++) {
    const target = await readlink(end).catch(() => undefined); // no link, or nothing: the end
    if (target === undefined) return end;
    end = resolve(dirname(end), target);
  }
  throw new CliError(`invalid output path: too many links at ${JSON.stringify(path)}`);
}
