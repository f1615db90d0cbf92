import { resourceExhausted, unavailable, internal, type EngineError } from "@pouchcontainer/errors";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** A named set of JSON records, read from memory, written durably. */
export interface Collection<T> {
  /** The committed record. Treat it as immutable: write a changed copy with `put`. */
  get(id: string): T | undefined;
  values(): IterableIterator<T>;
  /** Resolves when the record is on disk; readers see it from then on, never earlier. */
  put(id: string, value: T): Promise<void>;
  /** Resolves when the removal is on disk, also when there was no such record. */
  delete(id: string): Promise<void>;
}

interface Write {
  collection: string;
  id: string;
  /** JSON text, absent for a removal. */
  json: string | undefined;
  apply: () => void;
  resolve: () => void;
  reject: (error: EngineError) => void;
}

/**
 * The daemon's one embedded store. Writes that arrive while others wait are grouped into one transaction, so 64 writers
 * share one fsync. A write that fails (full or read-only disk) changes nothing, in memory neither.
 */
export class Store {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #upsert: StatementSync;
  readonly #remove: StatementSync;
  readonly #collections = new Map<string, Map<string, unknown>>();
  #queue: Write[] = [];
  #scheduled = false;
  #closed = false;

  /** Opens or creates the store and reads it into memory. One process at a time: a second one is refused. */
  static open(file: string): Store {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
      return new Store(file);
    } catch (error) {
      throw openFailure(file, error);
    }
  }

  private constructor(file: string) {
    this.#file = file;
    this.#db = new DatabaseSync(file, { timeout: 0 });
    try {
      // Exclusive locking keeps a second daemon out of the same home directory for as long as this one lives.
      this.#db.exec(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=400;",
      );
      this.#db.exec(
        "CREATE TABLE IF NOT EXISTS records (collection TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, id)) WITHOUT ROWID, STRICT",
      );
      this.#db.exec("BEGIN IMMEDIATE; COMMIT");
      this.#load();
      this.#upsert = this.#db.prepare("INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
      this.#remove = this.#db.prepare("DELETE FROM records WHERE collection = ? AND id = ?");
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** The collection of that name; its records have the shape the caller wrote. */
  collection<T>(name: string): Collection<T> {
    const records = this.#recordsOf(name);
    return {
      // Only this collection's own writers put values under this name, as T.
      get: (id) => records.get(id) as T | undefined,
      values: () => records.values() as IterableIterator<T>,
      put: (id, value) => this.#write(name, id, JSON.stringify(value), () => records.set(id, value)),
      delete: (id) => this.#write(name, id, undefined, () => records.delete(id)),
    };
  }

  /** Writes what is queued and closes the file. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#db.close();
  }

  #recordsOf(name: string): Map<string, unknown> {
    let records = this.#collections.get(name);
    if (!records) this.#collections.set(name, (records = new Map()));
    return records;
  }

  #load(): void {
    for (const row of this.#db.prepare("SELECT collection, id, value FROM records").iterate()) {
      this.#recordsOf(String(row["collection"])).set(String(row["id"]), JSON.parse(String(row["value"])));
    }
  }

  #write(collection: string, id: string, json: string | undefined, apply: () => void): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable("the daemon is stopping: its store is closed"));
    return new Promise((resolve, reject) => {
      this.#queue.push({ collection, id, json, apply, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    this.#scheduled = false;
    const writes = this.#queue;
    this.#queue = [];
    if (writes.length === 0) return;
    try {
      this.#commit(writes);
    } catch (error) {
      const failure = writeFailure(this.#file, error);
      for (const write of writes) write.reject(failure);
      return;
    }
    for (const write of writes) {
      write.apply();
      write.resolve();
    }
  }

  #commit(writes: Write[]): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const write of writes) {
        if (write.json === undefined) this.#remove.run(write.collection, write.id);
        else this.#upsert.run(write.collection, write.id, write.json);
      }
      this.#db.exec("COMMIT");
    } catch (error) {
      // SQLite has already rolled back on a full disk; a second ROLLBACK would hide the cause.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** Primary result codes, sqlite.org/rescode.html. */
const sqlite = { busy: 5, readOnly: 8, full: 13 };

function primaryCode(error: unknown): number | undefined {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}

function openFailure(file: string, error: unknown): EngineError {
  if (primaryCode(error) === sqlite.busy) {
    return unavailable(`${file} is in use by another daemon: stop it, or give this one a --home-dir of its own`, {
      cause: error,
    });
  }
  return internal(`cannot open the store ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

function writeFailure(file: string, error: unknown): EngineError {
  const code = primaryCode(error);
  if (code === sqlite.full)
    return resourceExhausted(`no space left on the device of ${file}: free some and try again`, { cause: error });
  if (code === sqlite.readOnly) return internal(`${file} is on a read-only file system: nothing was changed`, { cause: error });
  return internal(`cannot write to ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
