import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What npm and git put beside a package's own files. */
export const besidePackage: ReadonlySet<string> = new Set(["node_modules", ".git"]);

/**
 * A digest of a package's own files: their paths, contents, and which may be executed; the same for a folder, its copy and an archive of it.
 * A link counts as the file it leads to.
 */
export async function packageContent(folder: string): Promise<string> {
  const hash = createHash("sha256");
  await addFolder(hash, folder, "");
  return `sha256:${hash.digest("hex")}`;
}

async function addFolder(hash: Hash, folder: string, prefix: string): Promise<void> {
  for (const name of (await readdir(folder)).toSorted()) {
    if (besidePackage.has(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) await addFolder(hash, path, `${prefix}${name}/`);
    else if (found?.isFile() === true) {
      hash.update(JSON.stringify([`${prefix}${name}`, found.size, (found.mode & 0o100) !== 0]));
      for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
    }
  }
}
