import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { UsageError } from "./cli-error.ts";
import { openArchive } from "./archive/open-archive.ts";

export interface PluginSource {
  /** `HOST:PATH`, which the daemon keeps: a reload on that host looks there again. */
  place: string;
  /** A tar of it. */
  body: AsyncIterable<Uint8Array>;
}

/** A folder, an archive or a policy of this host, to be sent to the daemon; undefined where there is none at that path. */
export async function localPluginSource(source: string): Promise<PluginSource | undefined> {
  if (source === "") throw new UsageError("the source is empty: the current folder is written .");
  const path = resolve(source);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  const place = `${hostname()}:${path}`;
  const isFolder = found.isDirectory();
  if (!isFolder && !path.endsWith(".json")) return { place, body: await openArchive(path) };
  const { packFolder } = await import("./archive/pack-folder.ts");
  return { place, body: packFolder(path, isFolder ? {} : { rename: "policy.json" }) };
}

/** What this host has sent, and still has. A place without a host was kept by an earlier version, which told none. */
export async function sentPluginSource(place: string): Promise<PluginSource | undefined> {
  if (isAbsolute(place)) return await localPluginSource(place);
  const here = `${hostname()}:/`;
  return place.startsWith(here) ? await localPluginSource(place.slice(here.length - 1)) : undefined;
}

/** Whether it names a plugin of a registry, `REGISTRY/NAME:TAG`, and no path, no npm package, no place of a host. */
export function isRegistryReference(source: string): boolean {
  return /^[^@./][^/]*(?<!:)\//.test(source);
}
