import { isInUse } from "@pouchcontainer/engine";
import { type EngineError, failedPrecondition, messageChain, unavailable } from "@pouchcontainer/errors";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface ExecRootLock {
  close(): void;
}

/**
 * Holds the exec root against a second daemon, which would end this one's containerd and containers as leftovers of its own. The
 * lock is SQLite's on an empty database: the kernel lets go of it when the process ends, and programs it started never have it.
 */
export function lockExecRoot(execRoot: string, home: string): ExecRootLock {
  const holder = join(execRoot, "owner");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(execRoot, "owner.lock"));
    database.exec("BEGIN EXCLUSIVE");
    writeFileSync(holder, `process ${String(process.pid)} with --home-dir ${home}\n`, { mode: 0o600 });
  } catch (error) {
    database?.close();
    throw lockFailure(execRoot, holder, error);
  }
  return database;
}

function lockFailure(execRoot: string, holder: string, error: unknown): EngineError {
  if (isInUse(error))
    return unavailable(
      `${execRoot} is in use by another daemon (${nameOf(holder)}): stop it, or give this one an --exec-root-dir of its own`,
      { cause: error },
    );
  return failedPrecondition(`cannot lock ${execRoot}, the --exec-root-dir: ${messageChain(error)}`, { cause: error });
}

function nameOf(holder: string): string {
  try {
    return readFileSync(holder, "utf8").trim();
  } catch {
    return "which has not said who it is";
  }
}
