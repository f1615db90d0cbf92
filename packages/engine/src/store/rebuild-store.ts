import { failedPrecondition, isKind, messageChain } from "@pouchcontainer/errors";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import type { VolumeRecord } from "../volumes/volume-record.ts";
import { Database, fillOf } from "./database.ts";
import { readMarker } from "./home-marker.ts";
import { containersCollection, readCopies } from "./record-copies.ts";
import { openFailure } from "./store-failure.ts";

/** What a rebuild found. */
export interface RebuildReport {
  /** Records by collection. */
  rebuilt: Record<string, number>;
  /** Volumes without a record beside them: they have their content and default settings. */
  volumesWithoutRecord: string[];
  /** Folders of containers without a record beside them: they will be orphans. */
  containersWithoutRecord: string[];
  /** Copies that cannot be read, with the reason. */
  unreadable: string[];
  /** Where the database of before is now. */
  setAside: string[];
}

/**
 * Makes the database anew from the records that lie beside the containers and in `records`. The one of before is kept under
 * another name. No daemon may run over the home directory.
 */
export function rebuildStore(file: string, now: Date): RebuildReport {
  const home = dirname(file);
  try {
    refuseWhileUsed(file);
    const unreadable: string[] = [];
    const copies = readCopies(home, (path, error) => unreadable.push(`${path}: ${messageChain(error)}`));
    const known = new Set(copies.map(({ collection, id }) => `${collection}/${id}`));
    const volumes = namesIn(join(home, "volumes")).filter((name) => !known.has(`volumes/${name}`));
    const containers = namesIn(join(home, "containers")).filter((id) => !known.has(`${containersCollection}/${id}`));
    if (copies.length + volumes.length === 0)
      throw failedPrecondition(`nothing lies beside ${file} that a database could be made of; it was left as it is`);
    const setAside = putAside(file, now);
    const marker = readMarker(home);
    const sequence = Math.max(marker?.sequence ?? 0, ...copies.map((copy) => copy.sequence));
    const database = Database.create(file, marker?.id, sequence);
    try {
      database.commit([
        ...copies.map(({ collection, id, record }) => ({ collection, id, json: JSON.stringify(record) })),
        ...volumes.map((name) => ({ collection: "volumes", id: name, json: JSON.stringify(plainVolume(name, now)) })),
      ]);
      database.checkpoint();
    } finally {
      database.close();
    }
    const rebuilt: Record<string, number> = {};
    for (const { collection } of copies) rebuilt[collection] = (rebuilt[collection] ?? 0) + 1;
    return { rebuilt, volumesWithoutRecord: volumes, containersWithoutRecord: containers, unreadable, setAside };
  } catch (error) {
    throw openFailure(file, error);
  }
}

/** As a volume that was made without any options. */
function plainVolume(name: string, now: Date): VolumeRecord {
  return { name, driver: "local", options: null, labels: null, created: now.toISOString() };
}

/** A daemon holds its database for as long as it lives; damaged files are nobody's. */
function refuseWhileUsed(file: string): void {
  if (!existsSync(file)) return;
  try {
    fillOf(file);
  } catch (error) {
    if (isKind(openFailure(file, error), "unavailable")) throw error;
  }
}

function putAside(file: string, now: Date): string[] {
  const aside = `${file}.set-aside-${now.toISOString().replaceAll(":", "")}`;
  return ["", "-wal", "-shm"]
    .filter((end) => existsSync(`${file}${end}`))
    .map((end) => {
      renameSync(`${file}${end}`, `${aside}${end}`);
      return `${aside}${end}`;
    });
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
