import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { Headers, Pack } from "tar-stream";

export interface PackOptions {
  /** Name of the top entry inside the archive; absent leaves the folder itself out and packs what is in it. */
  rename?: string;
  /** Keep user and group ids. */
  keepOwner?: boolean;
}

/** A file or folder of this machine as a tar stream. */
export async function* packFolder(path: string, options: PackOptions = {}): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const filling = fill(archive, path, options).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  yield* archive;
  await filling;
}

async function fill(archive: Pack, path: string, options: PackOptions): Promise<void> {
  const top = options.rename ?? "";
  const stat = await lstat(path);
  if (!stat.isDirectory()) return await addEntry(archive, path, top, options);
  if (top !== "") await addEntry(archive, path, top, options);
  await addChildren(archive, path, top, options);
}

async function addChildren(archive: Pack, folder: string, prefix: string, options: PackOptions): Promise<void> {
  for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    await addEntry(archive, path, name, options);
    if (entry.isDirectory()) await addChildren(archive, path, name, options);
  }
}

async function addEntry(archive: Pack, path: string, name: string, { keepOwner = false }: PackOptions): Promise<void> {
  const stat = await lstat(path);
  const header: Headers = {
    name,
    mode: stat.mode & 0o7777,
    mtime: stat.mtime,
    uid: keepOwner ? stat.uid : 0,
    gid: keepOwner ? stat.gid : 0,
  };
  if (stat.isDirectory()) archive.entry({ ...header, name: `${name}/`, type: "directory" });
  else if (stat.isSymbolicLink()) archive.entry({ ...header, type: "symlink", linkname: await readlink(path) });
  else if (stat.isFile()) {
    const entry = archive.entry({ ...header, size: stat.size, type: "file" });
    if (stat.size === 0) entry.end();
    else await pipeline(createReadStream(path, { end: stat.size - 1 }), entry);
    await finished(entry);
  }
  // Sockets and devices have nothing that could be copied.
}
