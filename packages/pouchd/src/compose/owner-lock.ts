import { isInUse, writeWholeSync } from "@pouchcontainer/engine";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** One daemon has it, and no other gets it until that one lets go or ends. */
export interface OwnerLock {
  /** Lets go, with nothing left of it. */
  close(): void;
  /** Lets go, and leaves the note of who had it. */
  leaveNote(): void;
  /** Lets go, as if it had not been taken. */
  undo(): void;
}

/** What is noted beside a lock. */
export interface OwnerNote {
  /** What the daemon says of itself. */
  owner: string;
  /** Which thing it has; empty where the lock's own place says so. */
  place: string;
}

/** Somebody else has it; `owner` is what that one said of itself. */
export class HeldByAnother extends Error {
  readonly owner: string;

  constructor(path: string, owner: string, cause: unknown) {
    super(`${path} is locked by ${owner}`, { cause });
    this.owner = owner;
  }
}

/**
 * Takes the lock `PATH.lock` and notes in PATH who has it. `before` hears the note a former owner left, and refuses by throwing. The
 * lock is SQLite's on an empty database: the kernel lets go of it when the process ends, and programs it started never have it.
 */
export async function takeOwnerLock(
  path: string,
  { owner, place = "" }: { owner: string; place?: string },
  before: (note: OwnerNote) => Promise<void> = () => Promise.resolve(),
): Promise<OwnerLock> {
  const database = lockDatabase(path);
  const note = readNote(path);
  try {
    if (note !== undefined) await before(note);
    writeNote(path, { owner, place });
  } catch (error) {
    database.close();
    throw error;
  }
  return lockOf(path, database, note);
}

/** The lock PATH.lock that a daemon which ended left behind; undefined where it is held, gone by now, or none at all. */
export function takeLeftLock(path: string): OwnerLock | undefined {
  try {
    return existsSync(`${path}.lock`) ? lockOf(path, lockDatabase(path), readNote(path)) : undefined;
  } catch {
    return undefined;
  }
}

/** What is noted at PATH, whether anybody holds the lock or not. */
export function readNote(path: string): OwnerNote | undefined {
  try {
    const [owner = "", place = ""] = readFileSync(path, "utf8").split("\n");
    return { owner, place };
  } catch {
    return undefined;
  }
}

function lockOf(path: string, database: DatabaseSync, before: OwnerNote | undefined): OwnerLock {
  const leaveNote = (): void => database.close();
  const close = (): void => {
    // While it is locked: a file that is not at its place any more is no lock, see below.
    for (const name of [path, `${path}.lock`, `${path}.lock-journal`]) rmSync(name, { force: true });
    database.close();
  };
  return {
    close,
    leaveNote,
    undo: () => {
      if (before === undefined) return close();
      writeNote(path, before);
      leaveNote();
    },
  };
}

function lockDatabase(path: string): DatabaseSync {
  const file = `${path}.lock`;
  for (;;) {
    closeSync(openSync(file, "a", 0o600));
    const seen = inodeOf(file);
    const database = new DatabaseSync(file);
    try {
      database.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (isInUse(error)) throw new HeldByAnother(path, readNote(path)?.owner ?? "one that has not said who it is", error);
      throw error;
    }
    // One who let go may have removed the file after it was opened here.
    if (seen !== undefined && inodeOf(file) === seen) return database;
    database.close();
  }
}

const inodeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.ino;

function writeNote(path: string, { owner, place }: OwnerNote): void {
  writeWholeSync(path, `${owner}\n${place === "" ? "" : `${place}\n`}`);
}
