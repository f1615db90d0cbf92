import { makeFolders } from "@pouchcontainer/owners";
import { createWriteStream } from "node:fs";
import { chmod, chown, link, lchown, lstat, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import type { Header } from "tar-stream";
import { CliError } from "../cli-error.ts";

export interface UnpackOptions {
  /** The folder everything is put into. */
  folder: string;
  /** The archive's top entry gets this name. */
  rename?: { from: string; to: string };
  /** Give files their user and group. */
  keepOwner: boolean;
}

/** Unpacks a tar stream. No entry, link or not, ends outside the folder. */
export async function unpackArchive(archive: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<void> {
  const parser = extract();
  const parsing = pipeline(Readable.from(archive), parser);
  parsing.catch(() => undefined); // reported by the loop or below
  const folders: { path: string; header: Header }[] = [];
  for await (const entry of parser) {
    const { header } = entry;
    const path = await safePath(options, header.name);
    if (header.type === "directory") {
      await makeFolders(path);
      folders.push({ path, header });
      entry.resume();
    } else if (header.type === "symlink") {
      await rm(path, { force: true });
      await symlink(header.linkname ?? "", path);
      if (options.keepOwner) await lchown(path, header.uid ?? 0, header.gid ?? 0);
      entry.resume();
    } else if (header.type === "link") {
      await rm(path, { force: true });
      await link(await safePath(options, header.linkname ?? ""), path);
      entry.resume();
    } else if (header.type === "file" || header.type === "contiguous-file") {
      await makeFolders(dirname(path));
      await rm(path, { force: true });
      await pipeline(entry, createWriteStream(path, { mode: 0o600 }));
      await settle(path, header, options.keepOwner);
    } else entry.resume(); // devices and pipes are not made on this machine
  }
  await parsing;
  // Last, so that a folder without write permission can be filled first.
  for (const { path, header } of folders.reverse()) await settle(path, header, options.keepOwner);
}

async function settle(path: string, header: Header, keepOwner: boolean): Promise<void> {
  if (keepOwner) await chown(path, header.uid ?? 0, header.gid ?? 0);
  await chmod(path, (header.mode ?? 0o644) & 0o7777);
  if (header.mtime !== undefined) await utimes(path, header.mtime, header.mtime);
}

/** Where an entry goes. Refuses `..`, and a way through a symbolic link that the archive itself may have put there. */
async function safePath({ folder, rename }: UnpackOptions, name: string): Promise<string> {
  let relative = normalize(name)
    .replace(/^\/+/, "")
    .replace(/(?<!\/)\/+$/, "");
  if (relative === ".." || relative.startsWith("../"))
    throw new CliError(`the archive wants to write outside its folder: ${name}`);
  // The top entry of a root has no name: everything is below it.
  if (rename?.from === "") relative = join(rename.to, relative);
  else if (rename !== undefined && (relative === rename.from || relative.startsWith(`${rename.from}/`)))
    relative = rename.to + relative.slice(rename.from.length);
  const parts = relative.split("/");
  let current = folder;
  for (const part of parts.slice(0, -1)) {
    current = join(current, part);
    const stat = await lstat(current).catch(() => undefined);
    if (stat?.isSymbolicLink() === true) throw new CliError(`the archive wants to write through the link ${current}`);
  }
  return join(folder, relative);
}
