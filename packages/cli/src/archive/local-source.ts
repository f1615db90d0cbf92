import type { Stats } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { CliError, messageOf } from "../cli-error.ts";

/** What of this machine is copied into a container. */
export interface LocalSource {
  path: string;
  /** What it is called at its destination: as it was asked for, also where that is a link to something else. */
  name: string;
  isDirectory: boolean;
  /** What is in the folder, without the folder. */
  contentsOnly: boolean;
}

/** A link is copied as one, unless it is to be followed or the path goes on behind it, as `link/` and `link/.` do. */
export async function localSource(given: string, { followLink }: { followLink: boolean }): Promise<LocalSource> {
  const asked = resolve(given);
  const [path, found] = await endOf(asked, followLink || /(^|\/)\.?$/.test(given)).catch((error: unknown) => {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new CliError(missing ? `${given}: no such file or directory` : `cannot copy ${given}: ${messageOf(error)}`);
  });
  const isDirectory = found.isDirectory();
  if (!isDirectory && /\/\.?$/.test(given)) throw new CliError(`cannot copy ${given}: ${path} is not a directory`);
  return { path, name: basename(asked), isDirectory, contentsOnly: isDirectory && /(^|\/)\.$/.test(given) };
}

async function endOf(asked: string, follow: boolean): Promise<[string, Stats]> {
  const path = follow ? await realpath(asked) : asked;
  return [path, await lstat(path)];
}
