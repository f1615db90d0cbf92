import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { packageEntries } from "./package-tree.ts";

/** What npm and git put beside a package's own files. */
export const besidePackage: ReadonlySet<string> = new Set(["node_modules", ".git"]);

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * A digest of a package's own files: their paths, contents, and which may be executed, and where links lead; the same for a folder, its copy
 * and an archive of it. Throws `invalidArgument` for what no package has: see `packageEntries`.
 */
export async function packageContent(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const { path, stats, target } of packageEntries(folder, besidePackage)) {
    if (target !== undefined) hash.update(JSON.stringify([path, target]));
    if (!stats.isFile()) continue;
    hash.update(JSON.stringify([path, stats.size, (stats.mode & 0o100) !== 0]));
    if (stats.size === 0) continue;
    await using file = await open(join(folder, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    for await (const chunk of file.createReadStream({ autoClose: false, end: stats.size - 1 })) hash.update(chunk as Uint8Array);
  }
  return `sha256:${hash.digest("hex")}`;
}
