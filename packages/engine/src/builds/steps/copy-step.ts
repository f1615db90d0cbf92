import { EngineError, internal, invalidArgument, isKind, messageChain, notImplemented } from "@pouchcontainer/errors";
import type { CopySource, FileView, Placement } from "@pouchcontainer/files";
import { createHash } from "node:crypto";
import { posix } from "node:path";
import { addAbortSignal } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expand, expandAll } from "../../images/instructions/words.ts";
import type { BuildDeps } from "../build-deps.ts";
import { copyWords } from "../dockerfile/parse-dockerfile.ts";
import type { Instruction } from "../dockerfile/instruction.ts";
import { ownerOf } from "./owner-names.ts";
import type { Owner } from "./place-layer.ts";

/** A `COPY` or `ADD` whose words are known. */
export interface CopyRequest {
  name: string;
  sources: readonly string[];
  destination: string;
  /** As it is written. */
  from: string | undefined;
  owner: string | undefined;
  mode: number | undefined;
}

/** What is copied, and where it is. */
export interface FoundSource {
  view: FileView;
  source: CopySource;
  /** It was fetched: as it is, and for its owner alone. */
  isFetched: boolean;
}

export function copyRequest(instruction: Instruction, variables: ReadonlyMap<string, string>, escape: string): CopyRequest {
  const words = expandAll(copyWords(instruction), variables, escape);
  const { name, flags } = instruction;
  const owner = flags.get("chown");
  const from = flags.get("from");
  if (flags.has("checksum")) throw notImplemented("--checksum of ADD is not supported");
  return {
    name,
    sources: words.slice(0, -1),
    destination: words.at(-1) ?? "",
    from,
    owner: owner === undefined ? undefined : expand(owner, variables, escape),
    mode: modeOf(flags.get("chmod")),
  };
}

function modeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-7]{1,4}$/.test(text)) throw invalidArgument(`--chmod is a mode in octal digits, as 644, not "${text}"`);
  return Number.parseInt(text, 8);
}

export const isAddress = (source: string): boolean => /^https?:\/\//.test(source);

/** What of the files it names. Errors are in dockerd's words. */
export async function findSources(
  files: BuildDeps["files"],
  { name, from }: CopyRequest,
  paths: readonly string[],
  view: FileView,
  signal: AbortSignal,
): Promise<FoundSource[]> {
  for (const path of paths) {
    if (/^\.\.(\/|$)/.test(posix.normalize(path)))
      throw invalidArgument(`${name} failed: forbidden path outside the build context: ${path} ()`);
  }
  if (paths.length === 0) return [];
  try {
    const found = await files.copySources(view, paths, { owners: from !== undefined }, signal);
    return found.map((source) => ({ view, source, isFetched: false }));
  } catch (error) {
    if (!isKind(error, "notFound", "invalidArgument")) throw error;
    const where = error.kind === "notFound" ? "file not found in build context or excluded by .dockerignore: " : "";
    throw invalidArgument(`${name} failed: ${where}${error.message}`, { cause: error });
  }
}

export function refuseFew({ name, destination }: CopyRequest, found: readonly FoundSource[]): void {
  if (found.length === 0) throw invalidArgument(`${name} failed: no source files were specified`);
  if (found.length > 1 && !destination.endsWith("/"))
    throw invalidArgument(
      `When using ${name} with more than one source file, the destination must be a directory and end with a /`,
    );
}

/** What the history says of it: the same for the same content. */
export function copyComment({ name, owner, mode, destination }: CopyRequest, found: readonly FoundSource[]): string {
  const parts = found.map(({ source }) => `${source.isFolder ? "dir" : "file"}:${source.digest}`);
  const what = parts.length === 1 ? parts[0] : `multi:${createHash("sha256").update(parts.join(",")).digest("hex")}`;
  const flags = [owner === undefined ? "" : `--chown=${owner}`, mode === undefined ? "" : `--chmod=${mode.toString(8)}`].join("");
  return `${name} ${flags}${what} in ${destination} `;
}

/** Where it goes: a relative path begins in the working directory, a slash at its end stays. */
export function destinationOf(destination: string, workingDirectory = "/"): string {
  const path = posix.resolve("/", workingDirectory, destination);
  return destination.endsWith("/") && path !== "/" ? `${path}/` : path;
}

/** Copies one source into a tree. */
export async function placeSource(
  files: BuildDeps["files"],
  request: CopyRequest & { path: string; ownerIds: Owner | undefined },
  { view, source, isFetched }: FoundSource,
  target: FileView,
  signal: AbortSignal,
): Promise<void> {
  const { name, path, ownerIds: owner, mode } = request;
  if (name === "ADD" && source.mayBeArchive && !isFetched && (await unpacked(files, source, view, target, path, signal))) return;
  const { nameBase64, isFolder, pathBase64 } = source;
  const placement: Placement = {
    path,
    source: isFolder ? { kind: "folder" } : { kind: "file", nameBase64 },
    ...(owner && { owner }),
    ...(mode !== undefined && { mode }),
  };
  const from = Buffer.from(pathBase64, "base64");
  const { tar, ended } = await files.pack(view, isFolder ? Buffer.concat([from, Buffer.from("/.")]) : from);
  try {
    await files.placeCopy(target, placement, addAbortSignal(signal, tar));
  } catch (error) {
    throw copyFailure(error);
  } finally {
    tar.destroy();
    await ended;
  }
}

/** Whether it was an archive after all. Its owners stay those it says. */
async function unpacked(
  files: BuildDeps["files"],
  { pathBase64 }: CopySource,
  view: FileView,
  target: FileView,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { content, ended } = await files.send(view, Buffer.from(pathBase64, "base64"));
  try {
    await files.placeCopy(target, { path, source: { kind: "archive" } }, addAbortSignal(signal, content));
    return true;
  } catch (error) {
    if (isKind(error, "failedPrecondition")) return false;
    throw copyFailure(error);
  } finally {
    content.destroy();
    await ended;
  }
}

function copyFailure(error: unknown): unknown {
  if (!(error instanceof EngineError) || !isKind(error, "internal", "invalidArgument")) return error;
  return internal(`failed to copy files: ${messageChain(error)}`, { cause: error });
}

const ownerFileLimit = 1 << 20;

/** Numbers of whom `--chown` names; root where nobody is named, and nobody where owners stay what they were. */
export async function ownerIds(
  files: BuildDeps["files"],
  { owner, from }: CopyRequest,
  target: FileView,
): Promise<Owner | undefined> {
  if (owner === undefined) return from === undefined ? { uid: 0, gid: 0 } : undefined;
  const [passwd, group] = [await textOf(files, target, "/etc/passwd"), await textOf(files, target, "/etc/group")];
  return ownerOf(owner, { passwd, group });
}

/** Empty where there is no such file. */
async function textOf(files: BuildDeps["files"], view: FileView, path: string): Promise<string> {
  try {
    return (await readWhole(files, view, path, ownerFileLimit)).toString();
  } catch (error) {
    if (isKind(error, "notFound")) return "";
    throw error;
  }
}

/** A file of no more than so many bytes. */
export async function readWhole(
  files: Pick<BuildDeps["files"], "send">,
  view: FileView,
  path: string,
  limit: number,
): Promise<Buffer> {
  const { size, content, ended } = await files.send(view, path);
  try {
    if (size > limit) throw invalidArgument(`${path} has ${size} bytes, more than ${limit}`);
    return await buffer(content);
  } finally {
    content.destroy();
    await ended;
  }
}
