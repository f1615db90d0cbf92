import { failedPrecondition } from "@pouchcontainer/errors";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { damaged } from "./store-failure.ts";

/** The version in the file (`user_version`). 1, which was not written there: records alone; 2: identity and sequence beside them. */
export const schemaVersion = 2;

/** One row of the records. */
export interface Row {
  collection: string;
  id: string;
  json: string;
}

/** A change of one record; without JSON it is removed. */
export interface Change {
  collection: string;
  id: string;
  json: string | undefined;
}

/** The SQLite file: its schema, who it belongs to, and transactions that count themselves. */
export class Database {
  readonly file: string;
  readonly #db: DatabaseSync;
  readonly #upsert: StatementSync;
  readonly #remove: StatementSync;
  readonly #setMeta: StatementSync;
  readonly identity: string;
  #sequence: number;

  /** Opens a file that exists. Checks it before anything is written. */
  static open(file: string): Database {
    const db = openFile(file);
    try {
      verify(db, file);
      return new Database(db, file);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Makes a new file, for this daemon, or one of a fresh id. */
  static create(file: string, identity: string = randomUUID(), sequence = 0): Database {
    const db = openFile(file);
    try {
      makeDurable(db);
      db.exec(`BEGIN IMMEDIATE; ${schema}`);
      const insert = db.prepare("INSERT INTO meta VALUES (?, ?)");
      insert.run("id", identity);
      insert.run("sequence", String(sequence));
      db.exec("COMMIT");
      return new Database(db, file);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  private constructor(db: DatabaseSync, file: string) {
    this.file = file;
    this.#db = db;
    makeDurable(db);
    db.exec("BEGIN IMMEDIATE; COMMIT");
    const meta = new Map(
      db
        .prepare("SELECT key, value FROM meta")
        .all()
        .map((row) => [String(row["key"]), String(row["value"])]),
    );
    const [identity, sequence] = [meta.get("id"), Number(meta.get("sequence"))];
    if (identity === undefined || !Number.isSafeInteger(sequence)) throw damaged(file, "it does not say whose it is");
    this.identity = identity;
    this.#sequence = sequence;
    this.#upsert = db.prepare("INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
    this.#remove = db.prepare("DELETE FROM records WHERE collection = ? AND id = ?");
    this.#setMeta = db.prepare("UPDATE meta SET value = ? WHERE key = ?");
  }

  /** The daemon's home directory: the file lies in it. */
  get home(): string {
    return dirname(this.file);
  }

  /** Transactions it has seen. */
  get sequence(): number {
    return this.#sequence;
  }

  *rows(): Generator<Row> {
    for (const row of this.#db.prepare("SELECT collection, id, value FROM records").iterate())
      yield { collection: String(row["collection"]), id: String(row["id"]), json: String(row["value"]) };
  }

  /** All of them or none, durable when it returns. The sequence is one further than it was, or than `atLeast`. */
  commit(changes: readonly Change[], atLeast = 0): void {
    const sequence = Math.max(this.#sequence, atLeast) + 1;
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const { collection, id, json } of changes) {
        if (json === undefined) this.#remove.run(collection, id);
        else this.#upsert.run(collection, id, json);
      }
      this.#setMeta.run(String(sequence), "sequence");
      this.#db.exec("COMMIT");
    } catch (error) {
      // SQLite has already rolled back on a full disk; a second ROLLBACK would hide the cause.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    this.#sequence = sequence;
  }

  /** Brings what is in the write-ahead log into the file itself and makes the log empty; with `keepRoom` it keeps its size and is written anew. */
  checkpoint({ keepRoom = false }: { keepRoom?: boolean } = {}): void {
    this.#db.exec(`PRAGMA wal_checkpoint(${keepRoom ? "RESTART" : "TRUNCATE"})`);
  }

  /** For SQLite's online backup. */
  get handle(): DatabaseSync {
    return this.#db;
  }

  close(): void {
    this.#db.close();
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS records (
    collection TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, id)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  PRAGMA user_version = ${schemaVersion};
`;

function openFile(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 0 });
  // Keeps a second daemon out of the same home directory for as long as this one lives.
  db.exec("PRAGMA locking_mode=EXCLUSIVE");
  return db;
}

/** 400 pages of write-ahead log (1.6 MB) are brought into the file in a few milliseconds. */
function makeDurable(db: DatabaseSync): void {
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=400;");
}

/** Refuses what this daemon cannot read; brings an older schema up to date, with the file of before kept. */
function verify(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version > schemaVersion) {
    throw failedPrecondition(
      `${file} was written by a newer daemon (schema ${version}, this one knows ${schemaVersion}): run that one, or put the file back that it kept when it brought the schema up to date (${file}.v${schemaVersion})`,
    );
  }
  const check = db
    .prepare("PRAGMA quick_check(3)")
    .all()
    .map((row) => String(row["quick_check"]));
  if (check.join() !== "ok") throw damaged(file, check.join("; ").replaceAll("\n", "; "));
  if (version < schemaVersion) upgrade(db, file, Math.max(version, 1));
}

function upgrade(db: DatabaseSync, file: string, from: number): void {
  const kept = `${file}.v${from}`;
  if (!existsSync(kept)) db.prepare("VACUUM INTO ?").run(kept);
  const id = db.prepare("SELECT value FROM records WHERE collection = 'daemon' AND id = 'id'").get()?.["value"];
  db.exec(`BEGIN IMMEDIATE; ${schema}`);
  const insert = db.prepare("INSERT INTO meta VALUES (?, ?)");
  // Until then the daemon's id was a record like others, as JSON.
  insert.run("id", typeof id === "string" ? String(JSON.parse(id)) : randomUUID());
  insert.run("sequence", "0");
  db.exec("DELETE FROM records WHERE collection = 'daemon'; COMMIT");
}

/** What of a store's is in a file, without a change to it: its tables and records, its tables alone, or neither. */
export function fillOf(file: string): "records" | "tables" | "nothing" {
  if (!existsSync(file)) return "nothing";
  const db = openFile(file);
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'records'").all();
    if (tables.length === 0) return "nothing";
    return db.prepare("SELECT 1 FROM records LIMIT 1").get() === undefined ? "tables" : "records";
  } finally {
    db.close();
  }
}
