import { makeFoldersSync } from "@pouchcontainer/owners";
import type { Libc } from "@pouchcontainer/linux";
import { lchownSync, lstatSync } from "node:fs";
import type { Placement } from "../file-jobs.ts";
import type { TarEntry } from "../tar/tar-entry.ts";
import { TarError } from "../tar/tar-error.ts";
import { TarReader } from "../tar/tar-reader.ts";
import { drain } from "./drain.ts";
import { FileAttributes } from "./file-attributes.ts";
import { JobFailure } from "./job-failure.ts";
import { absolutePath, endsWithSlash, joinPath, namesOf } from "./paths.ts";
import { PipeSource } from "./pipe-source.ts";
import { resolvePath } from "./resolve-path.ts";
import { TreeWriter } from "./write-tree.ts";

const folderMode = 0o755;

/**
 * Puts what a `COPY` or `ADD` copies, the plain tar on a descriptor, where it belongs (Dockerfile reference, "COPY"). Nobody else
 * changes these files meanwhile. Of what is no archive though it is to be unpacked nothing is put anywhere: a `failedPrecondition`.
 */
export function placeCopy(libc: Libc, placement: Placement, input: number, begun: () => void): undefined {
  begun();
  const source = new PipeSource(input);
  const reader = new TarReader(source);
  const first = firstOf(reader, placement);
  const { base, rename } = placeOf(placement);
  const { owner, mode } = placement;
  const writer = new TreeWriter(libc, new FileAttributes(libc), base, { noOverwriteDirNonDir: false, ...(owner && { owner }) });
  for (let entry = first; entry !== undefined; entry = reader.next())
    writer.put(rename(withMode(owner ? givenAway(entry) : entry, mode)), () => reader.content());
  writer.finish();
  return drain(source);
}

function firstOf(reader: TarReader, { source }: Placement): TarEntry | undefined {
  try {
    const first = reader.next();
    if (first !== undefined || source.kind !== "archive") return first;
  } catch (error) {
    if (source.kind !== "archive" || !(error instanceof TarError)) throw error;
  }
  throw new JobFailure("failedPrecondition", "it is no archive");
}

/** The folder that entries are put into, and what they are called there. */
function placeOf({ path, source, owner }: Placement): { base: Buffer; rename: (entry: TarEntry) => TarEntry } {
  const asked = Buffer.from(path);
  const resolved = resolvePath(asked);
  if (source.kind !== "file") {
    const made = makeFoldersSync(resolved, folderMode);
    if (made !== undefined && owner) lchownSync(resolved, owner.uid, owner.gid);
    return { base: resolved, rename: (entry) => entry };
  }
  const isInto = endsWithSlash(asked) || lstatSync(resolved, { throwIfNoEntry: false })?.isDirectory() === true;
  const names = namesOf(isInto ? joinPath(resolved, Buffer.from(source.nameBase64, "base64")) : resolved);
  const name = names.pop() ?? Buffer.alloc(0);
  makeOwned(names, owner);
  return { base: absolutePath(names), rename: (entry) => ({ ...entry, name }) };
}

/** Folders that are missing belong to whom what is copied belongs to. */
function makeOwned(names: readonly Buffer[], owner: Placement["owner"]): void {
  const topmost = makeFoldersSync(absolutePath(names), folderMode);
  if (topmost === undefined || owner === undefined) return;
  for (let count = namesOf(topmost).length; count <= names.length; count++)
    lchownSync(absolutePath(names.slice(0, count)), owner.uid, owner.gid);
}

/** What the kernel takes from a file whose owner changes, as dockerd's copies do: nobody runs it as who it belongs to now. */
function givenAway(entry: TarEntry): TarEntry {
  if (entry.kind !== "file") return entry;
  const taken = entry.mode & 0o10 ? 0o6000 : 0o4000;
  const attributes = new Map([...entry.attributes].filter(([name]) => name !== "security.capability"));
  return { ...entry, mode: entry.mode & ~taken, attributes };
}

function withMode(entry: TarEntry, mode: number | undefined): TarEntry {
  if (mode === undefined) return entry;
  return entry.kind === "file" || entry.kind === "folder" ? { ...entry, mode } : entry;
}
