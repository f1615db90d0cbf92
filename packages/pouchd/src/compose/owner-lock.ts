import { isInUse } from "@pouchcontainer/engine";
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
  owner: string,
  before: (note: string) => Promise<void> = () => Promise.resolve(),
): Promise<OwnerLock> {
  const database = lockDatabase(path);
  const note = readNote(path);
  try {
    if (note !== undefined) await before(note);
    writeNote(path, owner);
  } catch (error) {
    database.close();
    throw error;
  }
  const leaveNote = (): void => database.close();
  const close = (): void => {
    // While it is locked: a file that is not at its place any more is no lock, see below.
    rmSync(path, { force: true });
    rmSync(`${path}.lock`, { force: true });
    database.close();
  };
  return {
    close,
    leaveNote,
    undo: () => {
      if (note === undefined) return close();
      writeNote(path, note);
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
      if (isInUse(error)) throw new HeldByAnother(path, readNote(path) ?? "one that has not said who it is", error);
      throw error;
    }
    // One who let go may have removed the file after it was opened here.
    if (seen !== undefined && inodeOf(file) === seen) return database;
    database.close();
  }
}

const inodeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.ino;

function writeNote(path: string, note: string): void {
  writeFileSync(path, `${note}\n`, { mode: 0o600 });
}

function readNote(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
