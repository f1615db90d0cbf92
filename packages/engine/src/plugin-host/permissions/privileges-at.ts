import type { PluginPrivileges } from "@pouchcontainer/api";
import type { Collection } from "../../store/index.ts";
import { readPlugin, type PackageRoom, type PackageSource } from "../installed/plugin-package.ts";
import type { PluginRecord } from "../plugin-record.ts";
import { askedBy, toBeGranted } from "./granted.ts";
import { routeWarnings } from "./request-routes.ts";

/** What a package asks for, and what of that nobody has granted yet. */
export async function privilegesAt(
  source: PackageSource,
  room: PackageRoom & { records: Collection<PluginRecord> },
): Promise<PluginPrivileges> {
  const words = await readPlugin(source, room);
  const { name, version } = words.manifest;
  const missing = toBeGranted(words, room.records.get(name));
  const [warning] = missing.length === 0 ? [] : routeWarnings(words.manifest);
  return {
    Name: name,
    Version: version,
    Privileges: askedBy(words),
    Missing: missing,
    ...(words.fetches.length > 0 && { Fetches: [...words.fetches] }),
    ...(warning === undefined ? {} : { Warning: warning }),
  };
}
