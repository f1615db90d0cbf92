import { messageChain } from "@pouchcontainer/errors";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { damaged } from "./store-failure.ts";

/**
 * Whose home a directory is, and how far its store had come: written beside the database, so that another database in its place,
 * an older one, or one that lost its last records is noticed.
 */
export interface HomeMarker {
  /** The daemon's id. */
  id: string;
  /** Transactions the database had seen when this was written; the database itself may be further. */
  sequence: number;
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
    const { id, sequence } = JSON.parse(text) as Partial<HomeMarker>;
    if (typeof id === "string" && Number.isSafeInteger(sequence)) return { id, sequence: Number(sequence) };
  } catch (error) {
    throw damaged(path, messageChain(error), error);
  }
  throw damaged(path, "it has no id or no sequence");
}

export const markerText = (marker: HomeMarker): string => `${JSON.stringify(marker)}\n`;
