import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { backup } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.ts";

/** A consistent copy of the store, open for reading and without a name: it is gone when it is closed. */
export interface StoreBackup {
  file: FileHandle;
  sizeBytes: number;
}

/** Pages copied in one step; a step holds up the store's own writes, and 64 take less than a millisecond. */
const pagesPerStep = 64;

/** Copies the database while it is in use, in steps, off the event loop. */
export async function backupDatabase(database: Pick<Database, "home" | "handle">): Promise<StoreBackup> {
  const folder = await mkdtemp(join(database.home, "backup-"));
  try {
    const path = join(folder, "pouch.db");
    await copyPages(database, path);
    const file = await open(path, "r");
    return { file, sizeBytes: (await file.stat()).size };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How often a copy begins anew, and how long it waits in between. */
const [attempts, pauseMs] = [200, 10];

/**
 * While a transaction is being written SQLite copies no page, and Node takes that, before the first one, for an end that failed: an
 * error without a code. It is tried again.
 */
async function copyPages(database: Pick<Database, "handle">, path: string): Promise<void> {
  for (let left = attempts; ; left--) {
    try {
      await backup(database.handle, path, { rate: pagesPerStep });
      return;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== 0 || left === 0) throw error;
      await sleep(pauseMs);
    }
  }
}
