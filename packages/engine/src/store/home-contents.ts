import { readdirSync } from "node:fs";
import { join } from "node:path";

/** What of a home directory speaks of things that a database without records would know nothing of, in words; empty where nothing does. */
export function homeContents(home: string): string[] {
  // A create that was cut short leaves an empty one.
  const containers = namesIn(home, "containers").filter((name) => namesIn(home, "containers", name).length > 0);
  const records = namesIn(home, "records").flatMap((collection) => namesIn(home, "records", collection));
  return [
    ...counted(containers, "folder of a container", "folders of containers"),
    ...counted(namesIn(home, "volumes"), "volume", "volumes"),
    ...counted(namesIn(home, "plugins", "installed"), "installed plugin", "installed plugins"),
    ...counted(records, "record of networks, volumes or plugins", "records of networks, volumes and plugins"),
  ];
}

function counted(names: readonly string[], one: string, many: string): string[] {
  return names.length === 0 ? [] : [`${names.length} ${names.length === 1 ? one : many}`];
}

function namesIn(...path: string[]): string[] {
  try {
    return readdirSync(join(...path));
  } catch {
    return [];
  }
}
