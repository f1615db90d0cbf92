import { failedPrecondition } from "@pouchcontainer/errors";
import { makeFoldersSync } from "@pouchcontainer/owners";
import { dirname } from "node:path";
import { Database, fillOf } from "./database.ts";
import { homeContents } from "./home-contents.ts";
import { markerPath, markerText, readMarker, type HomeMarker } from "./home-marker.ts";
import { openFailure, waysOut } from "./store-failure.ts";
import { writeWholeSync } from "./written-whole.ts";

export interface OpenedDatabase {
  database: Database;
  /** What the home directory remembered before this start. */
  marker: HomeMarker | undefined;
}

/**
 * Opens the database of a home directory, or makes one where there was nothing. A database that cannot be the one that belongs
 * there (no records though the home has some, another daemon's, damaged, a newer daemon's) is refused, and nothing is changed.
 */
export function openDatabase(file: string): OpenedDatabase {
  const home = dirname(file);
  try {
    makeFoldersSync(home, 0o710);
    const marker = readMarker(home);
    const database = open(file, home, marker);
    try {
      if (marker !== undefined && marker.id !== database.identity) throw foreign(file, database.identity, marker.id);
      if (marker === undefined)
        writeWholeSync(markerPath(home), markerText({ id: database.identity, sequence: database.sequence }));
      return { database, marker };
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw openFailure(file, error);
  }
}

function open(file: string, home: string, marker: HomeMarker | undefined): Database {
  const fill = fillOf(file);
  const found = fill === "records" ? [] : homeContents(home);
  if (found.length > 0)
    throw failedPrecondition(`the database ${file} has no records, but ${home} holds ${found.join(", ")}. ${waysOut(file)}`);
  if (fill !== "nothing") return Database.open(file);
  return Database.create(file, marker?.id, marker?.sequence);
}

function foreign(file: string, found: string, expected: string): Error {
  return failedPrecondition(
    `the database ${file} belongs to another daemon (${found}) than its home directory (${expected}). ${waysOut(file)}`,
  );
}
