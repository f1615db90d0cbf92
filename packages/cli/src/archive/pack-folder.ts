import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "tar-stream";
import type { Header, Pack } from "tar-stream";

export interface PackOptions {
  /** Name of the top entry inside the archive; absent leaves the folder itself out and packs what is in it. */
  rename?: string;
  /** Keep user and group ids. */
  keepOwner?: boolean;
  /** What is left out, by its name in the archive; folders are looked through all the same when `looksInside` says so. */
  leavesOut?: (name: string) => boolean;
  looksInside?: boolean;
  /** Files that are not there: in front of the others, by their names. */
  more?: Readonly<Record<string, string>>;
}

/** A file or folder of this machine as a tar stream. */
export async function* packFolder(path: string, options: PackOptions = {}): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const filling = fill(archive, path, options).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  // tar-stream's pack produces buffers; its type says only Readable.
  for await (const chunk of archive) yield chunk as Uint8Array;
  await filling;
}

async function fill(archive: Pack, path: string, options: PackOptions): Promise<void> {
  const top = options.rename ?? "";
  const stat = await lstat(path);
  if (!stat.isDirectory()) return await addEntry(archive, path, top, options);
  for (const [name, content] of Object.entries(options.more ?? {})) archive.entry({ name, mode: 0o644 }, content);
  if (top !== "") await addEntry(archive, path, top, options);
  await addChildren(archive, path, top, options);
}

async function addChildren(archive: Pack, folder: string, prefix: string, options: PackOptions): Promise<void> {
  for (const entry of (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    const isLeftOut = options.leavesOut?.(name) === true;
    if (!isLeftOut) await addEntry(archive, path, name, options);
    if (entry.isDirectory() && (!isLeftOut || options.looksInside)) await addChildren(archive, path, name, options);
  }
}

async function addEntry(archive: Pack, path: string, name: string, { keepOwner = false }: PackOptions): Promise<void> {
  const stat = await lstat(path);
  const header: Partial<Header> & { name: string } = {
    name,
    mode: stat.mode & 0o7777,
    mtime: stat.mtime,
    uid: keepOwner ? stat.uid : 0,
    gid: keepOwner ? stat.gid : 0,
  };
  if (stat.isDirectory()) archive.entry({ ...header, name: `${name}/`, type: "directory" });
  else if (stat.isSymbolicLink()) archive.entry({ ...header, type: "symlink", linkname: await readlink(path) });
  else if (stat.isFile()) await addFile(archive, path, { ...header, size: stat.size, type: "file" });
  // Sockets and devices have nothing that could be copied.
}

async function addFile(archive: Pack, path: string, header: Partial<Header> & { name: string; size: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const entry = archive.entry(header, (error) => (error ? reject(error) : resolve()));
    if (header.size === 0) {
      entry.end(new Uint8Array(0));
      return;
    }
    // Exactly the size the header announces, should the file grow meanwhile.
    const content = createReadStream(path, { end: header.size - 1 });
    content.on("error", (error) => entry.destroy(error));
    content.pipe(entry);
  });
}
