import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { backup } from "node:sqlite";
import type { Database } from "./database.ts";

/** A consistent copy of the store, open for reading and without a name: it is gone when it is closed. */
export interface StoreBackup {
  file: FileHandle;
  sizeBytes: number;
}

/** Pages copied in one step; a step holds up the store's own writes, and 64 take less than a millisecond. */
const pagesPerStep = 64;

/** Copies the database while it is in use, in steps, off the event loop. */
export async function backupDatabase(database: Database): Promise<StoreBackup> {
  const folder = await mkdtemp(join(database.home, "backup-"));
  try {
    const path = join(folder, "pouch.db");
    await backup(database.handle, path, { rate: pagesPerStep });
    const file = await open(path, "r");
    return { file, sizeBytes: (await file.stat()).size };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
