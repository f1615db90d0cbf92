import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";

export interface PluginSource {
  /** The absolute path, which the daemon keeps: a reload looks there again. */
  path: string;
  /** A tar of it. */
  body: AsyncIterable<Uint8Array>;
}

/** A folder or archive of this host, to be sent to the daemon; undefined where there is none at that path. */
export async function localPluginSource(source: string): Promise<PluginSource | undefined> {
  const path = resolve(source);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return { path, body: createReadStream(path) };
  const { packFolder } = await import("./archive/pack-folder.ts");
  return { path, body: packFolder(path) };
}
