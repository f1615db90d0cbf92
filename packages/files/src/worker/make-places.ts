import { makeFoldersSync } from "@pouchcontainer/owners";
import { lstatSync, mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import type { Places } from "../file-jobs.ts";
import { absolutePath, namesOf } from "./paths.ts";
import { resolvePath } from "./resolve-path.ts";

const mode = 0o755;

/**
 * Puts folders and files where they are asked for: a link on the way to them or in their place, or what else is no such thing, is
 * removed, as dockerd does when it makes the places of a new container's mounts. Nobody else changes these files meanwhile.
 */
export function makePlaces({ folders, files, throughLinks }: Places): undefined {
  for (const path of folders) makeFolder(namesOf(Buffer.from(path)));
  for (const path of files) {
    const names = namesOf(Buffer.from(path));
    makeFolder(names.slice(0, -1));
    makeFile(absolutePath(names));
  }
  for (const path of throughLinks) makeFoldersSync(resolvePath(Buffer.from(path)), mode);
}

function makeFolder(names: readonly Buffer[]): void {
  for (const [index] of names.entries()) {
    const path = absolutePath(names.slice(0, index + 1));
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) continue;
    if (found) unlinkSync(path);
    mkdirSync(path, { mode });
  }
}

function makeFile(path: Buffer): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() || found?.isDirectory()) return;
  if (found) unlinkSync(path);
  writeFileSync(path, "", { flag: "wx", mode });
}
