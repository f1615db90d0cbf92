import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export type GroupLimits = [file: string, value: string][];

/** Writes limits into a group's folders, each into the one that has its file; one that no folder has is left out. */
export async function writeLimits(folders: readonly string[], limits: GroupLimits, whose: string): Promise<void> {
  const places = limits.flatMap(([file, value]) => {
    // Of groups that are in each other the innermost, which is the one that is meant.
    const folder = folders.findLast((candidate) => existsSync(join(candidate, file)));
    return folder === undefined ? [] : [{ file, value, path: join(folder, file) }];
  });
  // One may bound another (memory, and memory with swap): what is refused at first is tried again after the others.
  const refused: typeof places = [];
  for (const place of places) await write(place.path, place.value).catch(() => refused.push(place));
  for (const { file, value, path } of refused)
    await write(path, value).catch((error: unknown) => {
      throw invalidArgument(`${file} of ${whose} cannot be "${value}": ${messageChain(error)}`, { cause: error });
    });
}

const write = (path: string, value: string): Promise<void> => writeFile(path, value, { flag: "r+" });
