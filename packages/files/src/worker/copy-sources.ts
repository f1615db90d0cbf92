import type { Libc } from "@pouchcontainer/linux";
import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, type Stats } from "node:fs";
import { compressionOf } from "../compression.ts";
import type { CopySource } from "../file-jobs.ts";
import { BadGlob, compileGlob } from "../ignore/glob.ts";
import { blockBytes, checksumsOf, field, numberOf } from "../tar/header-fields.ts";
import { TarError } from "../tar/tar-error.ts";
import type { TarEntry } from "../tar/tar-entry.ts";
import { FileAttributes } from "./file-attributes.ts";
import { JobFailure } from "./job-failure.ts";
import { absolutePath, namesOf } from "./paths.ts";
import { readTree } from "./read-tree.ts";
import { resolvePath } from "./resolve-path.ts";

/** What the paths of a `COPY` name, each with a digest of all that would be copied of it but times; `owners` counts owners in. */
export function copySources(libc: Libc, { paths, owners }: { paths: readonly string[]; owners: boolean }): CopySource[] {
  const attributes = new FileAttributes(libc);
  return paths.flatMap((path) =>
    (isPattern(path) ? matching(path) : [Buffer.from(path)]).map((found) => describe(found, attributes, owners)),
  );
}

const isPattern = (path: string): boolean => /[*?[]/.test(path.replaceAll(/\\./gs, ""));

/** Links are not followed on the way: dockerd walks the context, which does not. */
function matching(pattern: string): Buffer[] {
  let found: Buffer[] = [Buffer.alloc(0)];
  for (const part of namesOf(Buffer.from(pattern))) {
    const isWanted = wanted(part.toString());
    found = found.flatMap((folder) =>
      namesIn(folder)
        .filter(isWanted)
        .map((name) => below(folder, name)),
    );
  }
  return found;
}

function wanted(pattern: string): (name: Buffer) => boolean {
  try {
    const glob = compileGlob(pattern);
    return (name) => glob.matches(name.toString());
  } catch (error) {
    if (error instanceof BadGlob) throw new JobFailure("invalidArgument", error.message);
    throw error;
  }
}

const below = (folder: Buffer, name: Buffer): Buffer =>
  folder.length === 0 ? name : Buffer.concat([folder, Buffer.from("/"), name]);

function namesIn(folder: Buffer): Buffer[] {
  const path = absolutePath(namesOf(folder));
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(path, "buffer").toSorted((one, other) => Buffer.compare(one, other));
}

function describe(path: Buffer, attributes: FileAttributes, owners: boolean): CopySource {
  const names = namesOf(path);
  const resolved = resolvePath(absolutePath(names));
  const stats = statOf(resolved);
  if (stats === undefined)
    throw new JobFailure("notFound", `stat ${absolutePath(names).toString().slice(1)}: file does not exist`);
  const isFolder = stats.isDirectory();
  if (!isFolder && !stats.isFile()) throw new JobFailure("invalidArgument", `${path.toString()} is neither a file nor a folder`);
  return {
    pathBase64: resolved.toString("base64"),
    nameBase64: (names.at(-1) ?? Buffer.from(".")).toString("base64"),
    isFolder,
    mayBeArchive: !isFolder && beginsAsArchive(resolved),
    digest: digestOf(resolved, attributes, owners),
  };
}

function statOf(path: Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** A compressed file may be another thing than an archive, which shows when it is unpacked. */
function beginsAsArchive(path: Buffer): boolean {
  const head = Buffer.alloc(blockBytes);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const count = readSync(fd, head);
    return compressionOf(head) !== undefined || (count === blockBytes && isHeader(head));
  } finally {
    closeSync(fd);
  }
}

function isHeader(block: Buffer): boolean {
  const { unsigned, signed } = checksumsOf(block);
  try {
    const said = numberOf(block, field.checksum);
    return said === unsigned || said === signed;
  } catch (error) {
    if (error instanceof TarError) return false;
    throw error;
  }
}

function digestOf(path: Buffer, attributes: FileAttributes, owners: boolean): string {
  const hash = createHash("sha256");
  for (const { entry, fd } of readTree(path, Buffer.alloc(0), attributes)) {
    hash.update(headOf(entry, owners));
    if (fd !== undefined) addContent(hash, fd, entry.size);
  }
  return hash.digest("hex");
}

/** Lengths are in it: no two entries have the same text. */
function headOf(entry: TarEntry, owners: boolean): string {
  const { kind, name, linkName, mode, uid, gid, size, device } = entry;
  const attributes = [...entry.attributes].map(([key, value]) => [key, value.toString("base64")]).toSorted();
  const owner = owners ? [uid, gid] : [];
  return JSON.stringify([kind, name.toString("base64"), linkName.toString("base64"), mode, size, device, attributes, owner]);
}

const buffer = Buffer.allocUnsafeSlow(1 << 20);

function addContent(hash: Hash, fd: number, size: number): void {
  for (let left = size; left > 0;) {
    const count = readSync(fd, buffer, 0, Math.min(left, buffer.length), null);
    if (count === 0) return;
    hash.update(buffer.subarray(0, count));
    left -= count;
  }
}
