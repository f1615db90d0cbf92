import { EngineError, invalidArgument, messageChain } from "@pouchcontainer/errors";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../../remove-tree.ts";
import { policyFile } from "../policies/index.ts";
import { besidePackage } from "./package-content.ts";
import { checkTree, settleTree } from "./package-tree.ts";
import { runGuarded } from "./run-guarded.ts";
import { tarLimit, tooLarge } from "./tar-limit.ts";

/** Where a plugin's manifest is: the first of them that is there. */
export const manifestFiles = ["package.json", policyFile];

/** What an archive may cost the daemon. */
export interface ArchiveLimits {
  /** Longest pause of whoever sends it. */
  idleMs: number;
  /** Most bytes that are sent. */
  sentBytes: number;
  /** Most bytes of what is in it; tar counts them in pieces of 10 KiB. */
  unpackedBytes: number;
  /** Ends the work on it. Default: nothing does. */
  signal?: AbortSignal;
}

export const archiveLimits: ArchiveLimits = { idleMs: 30_000, sentBytes: 512 * 1024 ** 2, unpackedBytes: 2 * 1024 ** 3 };

/** A folder of this host, by way of an archive: tar opens no more than what it saw, and stops at nothing that has no end. */
export async function copyFolder(from: string, directory: string, limits: ArchiveLimits): Promise<void> {
  await checkTree(from, besidePackage);
  const file = join(directory, ".archive");
  const beside = [...besidePackage].map((name) => `--exclude=${name}`);
  await tar("folder", ["-c", "-f", file, ...beside, "-C", from, "."], limits);
  await unpackArchive(file, directory, limits, { wrapped: false });
}

/** Puts into a package's folder what an archive holds. Archives as npm makes them have everything in one folder; others have it at the top. */
export async function unpackArchive(
  file: string,
  directory: string,
  limits: ArchiveLimits,
  { wrapped }: { wrapped: boolean } = { wrapped: true },
): Promise<void> {
  const unpacked = join(directory, ".unpacked");
  await mkdir(unpacked);
  await tar("archive", ["-x", "-f", file, "-C", unpacked, "--no-same-owner"], limits);
  if (file.startsWith(`${directory}/`)) await rm(file, { force: true });
  const top = (wrapped ? await onlyFolderIn(unpacked) : undefined) ?? unpacked;
  for (const name of await readdir(top)) await rename(join(top, name), join(directory, name));
  await removeTree(unpacked);
  await settleTree(directory);
}

async function onlyFolderIn(folder: string): Promise<string | undefined> {
  const [only, ...more] = await readdir(folder, { withFileTypes: true });
  if (only?.isDirectory() !== true || more.length > 0 || manifestFiles.includes(only.name)) return undefined;
  return join(folder, only.name);
}

async function tar(what: "archive" | "folder", args: string[], { unpackedBytes, signal }: ArchiveLimits): Promise<void> {
  try {
    await runGuarded("tar", [...tarLimit(unpackedBytes), ...args], signal && { signal });
  } catch (error) {
    if (messageChain(error).includes(tooLarge))
      throw invalidArgument(`the plugin's ${what} holds more than ${unpackedBytes} bytes, which is the most that is unpacked`);
    throw invalidArgument(`the plugin's ${what} cannot be unpacked: ${EngineError.from(error).message}`, { cause: error });
  }
}
