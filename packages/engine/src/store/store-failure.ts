import { EngineError, failedPrecondition, internal, messageChain, resourceExhausted, unavailable } from "@pouchcontainer/errors";

/** Primary result codes, sqlite.org/rescode.html. */
const sqlite = { busy: 5, readOnly: 8, corrupt: 11, full: 13, notADatabase: 26 };

function primaryCode(error: unknown): number | undefined {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}

/** Whether another process has the database. */
export function isInUse(error: unknown): boolean {
  return primaryCode(error) === sqlite.busy;
}

/** What an operator reads when a store cannot be opened; ours unchanged. */
export function openFailure(file: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const code = primaryCode(error);
  if (isInUse(error)) {
    return unavailable(`${file} is in use by another daemon: stop it, or give this one a --home-dir of its own`, {
      cause: error,
    });
  }
  if (code === sqlite.corrupt || code === sqlite.notADatabase) return damaged(file, messageChain(error), error);
  return internal(`cannot open the store ${file}: ${messageChain(error)}`, { cause: error });
}

/** Nothing was changed: the operator chooses between the ways out. */
export function damaged(file: string, what: string, cause?: unknown): EngineError {
  return failedPrecondition(`the database ${file} is damaged (${what}). ${waysOut(file)}`, { cause });
}

/** How an operator gets a database that fits the home directory. */
export function waysOut(file: string): string {
  return (
    "Nothing was changed; containers that run go on running. Ways out: " +
    `put back a backup made by \`pouch system backup\` as ${file}, with ${file}-wal and ${file}-shm removed; ` +
    "or run `pouchd --rebuild-store`, which makes the database anew from the records that lie beside the containers; " +
    "or give the daemon an empty --home-dir to begin anew."
  );
}

export function storeClosed(): EngineError {
  return unavailable("the daemon is stopping: its store is closed", { details: { closed: true } });
}

/** Whether a change came too late: the next daemon finds out what it was by itself, or it was never answered for. */
export function isClosed(error: unknown): boolean {
  return error instanceof EngineError && error.details["closed"] === true;
}

export function noRoom(file: string, cause?: unknown): EngineError {
  return resourceExhausted(`no space left on the device of ${file}: free some and try again`, { cause });
}

/** Whether a write failed of a full disk and nothing else. */
export function isNoRoom(failure: EngineError | undefined): boolean {
  return failure?.kind === "resourceExhausted";
}

export function writeFailure(file: string, error: unknown): EngineError {
  const code = primaryCode(error);
  if (code === sqlite.full) return noRoom(file, error);
  if (code === sqlite.readOnly) return internal(`${file} is on a read-only file system: nothing was changed`, { cause: error });
  return internal(`cannot write to ${file}: ${messageChain(error)}`, { cause: error });
}
