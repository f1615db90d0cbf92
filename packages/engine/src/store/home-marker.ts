import { failedPrecondition, messageChain, type EngineError } from "@pouchcontainer/errors";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Whose home a directory is, and how far its store had come: written beside the database, so that another database in its place,
 * an older one, or one that lost its last records is noticed.
 */
export interface HomeMarker {
  /** The daemon's id. */
  id: string;
  /** Transactions the database had seen when this was written; the database itself may be further. */
  sequence: number;
  /** How far the records that lie beside follow; absent when that is not known. */
  copied?: number;
}

export const markerPath = (home: string): string => join(home, "store.json");

export function readMarker(home: string): HomeMarker | undefined {
  const path = markerPath(home);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { id, sequence, copied } = JSON.parse(text) as Partial<HomeMarker>;
    if (typeof id === "string" && Number.isSafeInteger(sequence))
      return { id, sequence: Number(sequence), ...(Number.isSafeInteger(copied) && { copied: Number(copied) }) };
  } catch (error) {
    throw damagedMarker(path, messageChain(error), error);
  }
  throw damagedMarker(path, "it has no id or no sequence");
}

/** Not a matter of backups: the database may be whole, only nobody can tell. */
function damagedMarker(path: string, what: string, cause?: unknown): EngineError {
  return failedPrecondition(
    `${path} is damaged (${what}). It says whose home this is and how far its database had come. Nothing was changed; containers ` +
      "that run go on running. If the database beside it is the one the daemon had last, remove the file, and it is written anew; " +
      "an older database in its place would not be noticed then",
    { cause },
  );
}

export const markerText = (marker: HomeMarker): string => `${JSON.stringify(marker)}\n`;
