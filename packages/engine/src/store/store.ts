import type { EngineError } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { backupDatabase, type StoreBackup } from "./backup-database.ts";
import type { Change, Database } from "./database.ts";
import { openDatabase } from "./open-database.ts";
import { reconcile } from "./reconcile.ts";
import { containersCollection, copyPath, readCopy, RecordCopies } from "./record-copies.ts";
import { damaged, openFailure, storeClosed, writeFailure } from "./store-failure.ts";

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

/** A collection whose records lie beside the store only from when they are said to be complete. */
export interface GuardedCollection<T> extends Collection<T> {
  /** From now on the record lies beside the store too; resolves when it does. Without a copy a record is one that was begun. */
  keepCopy(id: string): Promise<void>;
  /** Whether that was said of the record, in this run of the daemon or an earlier one. */
  hasCopy(id: string): boolean;
  /** Takes the copy away before what it speaks of goes. */
  dropCopy(id: string): Promise<void>;
  /** The record beside a container the store knows nothing of. */
  findCopy(id: string): T | undefined;
}

export interface StoreOptions {
  /** Told what an operator should know: records that were found beside the store and not in it. Default: nobody. */
  warn?: (message: string, fields?: Record<string, unknown>) => void;
}

interface Write extends Change {
  apply: () => void;
  resolve: () => void;
  reject: (error: EngineError) => void;
}

/** How long nothing is written before the write-ahead log is brought into the file: a copy of the file alone is then complete. */
const idleMs = 2000;

/**
 * The daemon's one embedded store. Writes that arrive while others wait are grouped into one transaction, so 64 writers
 * share one fsync. A write that fails (full or read-only disk) changes nothing, in memory neither.
 */
export class Store {
  readonly #database: Database;
  readonly #copies: RecordCopies;
  readonly #collections = new Map<string, Map<string, unknown>>();
  /** Containers whose record lies beside the store. */
  readonly #kept = new Set<string>();
  #queue: Write[] = [];
  #scheduled = false;
  #closed = false;
  #idle: NodeJS.Timeout | undefined;

  /** Opens or creates the store and reads it into memory. One process at a time: a second one is refused. */
  static open(file: string, options: StoreOptions = {}): Store {
    const warn = options.warn ?? (() => undefined);
    const { database, marker } = openDatabase(file);
    try {
      const inStep = marker?.sequence === database.sequence;
      reconcile(database, marker, warn);
      return new Store(database, warn, inStep);
    } catch (error) {
      database.close();
      throw openFailure(file, error);
    }
  }

  private constructor(database: Database, warn: NonNullable<StoreOptions["warn"]>, copiesInStep: boolean) {
    this.#database = database;
    this.#copies = new RecordCopies({
      home: database.home,
      identity: database.identity,
      sequence: () => database.sequence,
      current: ({ collection, id }) => {
        const record = this.#collections.get(collection)?.get(id);
        return record === undefined ? undefined : JSON.stringify(record);
      },
      warn,
    });
    this.#load(copiesInStep);
  }

  /** The daemon's id, the same for the life of its home directory. */
  get identity(): string {
    return this.#database.identity;
  }

  /** The collection of that name; its records have the shape the caller wrote. */
  collection<T>(name: string): Collection<T> {
    const records = this.#recordsOf(name);
    return {
      // Only this collection's own writers put values under this name, as T.
      get: (id) => records.get(id) as T | undefined,
      values: () => records.values() as IterableIterator<T>,
      put: async (id, value) => {
        await this.#write({ collection: name, id, json: JSON.stringify(value) }, () => records.set(id, value));
        this.#copies.changed({ collection: name, id });
      },
      delete: async (id) => {
        await this.#copies.remove({ collection: name, id });
        await this.#write({ collection: name, id, json: undefined }, () => records.delete(id));
      },
    };
  }

  /** The containers: their records lie in their folders. */
  containers<T>(): GuardedCollection<T> {
    const name = containersCollection;
    const records = this.#recordsOf(name);
    const plain = this.collection<T>(name);
    return {
      ...plain,
      put: async (id, value) => {
        await this.#write({ collection: name, id, json: JSON.stringify(value) }, () => records.set(id, value));
        if (this.#kept.has(id)) this.#copies.changed({ collection: name, id });
      },
      keepCopy: async (id) => {
        this.#kept.add(id);
        await this.#copies.write({ collection: name, id });
      },
      hasCopy: (id) => this.#kept.has(id),
      dropCopy: async (id) => {
        this.#kept.delete(id);
        await this.#copies.remove({ collection: name, id });
      },
      // Only this collection's own writers put values under this name, as T.
      findCopy: (id) => readCopy(this.#database.home, { collection: name, id })?.record as T | undefined,
    };
  }

  /** A consistent copy of everything; what is queued is in it. */
  async backup(): Promise<StoreBackup> {
    this.#flush();
    return backupDatabase(this.#database);
  }

  /** Writes what is queued and closes the files. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    clearTimeout(this.#idle);
    await this.#copies.flush();
    this.#database.checkpoint();
    this.#database.close();
  }

  #recordsOf(name: string): Map<string, unknown> {
    let records = this.#collections.get(name);
    if (!records) this.#collections.set(name, (records = new Map()));
    return records;
  }

  #load(copiesInStep: boolean): void {
    const { home, file } = this.#database;
    for (const { collection, id, json } of this.#database.rows()) {
      try {
        this.#recordsOf(collection).set(id, JSON.parse(json));
      } catch (error) {
        throw damaged(file, `the record ${collection}/${id} cannot be read`, error);
      }
      if (collection === containersCollection) {
        if (!existsSync(copyPath(home, { collection, id }))) continue;
        this.#kept.add(id);
      }
      if (!copiesInStep) this.#copies.changed({ collection, id });
    }
  }

  #write(change: Change, apply: () => void): Promise<void> {
    if (this.#closed) return Promise.reject(storeClosed());
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...change, apply, resolve, reject });
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
      this.#database.commit(writes);
    } catch (error) {
      const failure = writeFailure(this.#database.file, error);
      for (const write of writes) write.reject(failure);
      return;
    }
    for (const write of writes) {
      write.apply();
      write.resolve();
    }
    this.#checkpointWhenIdle();
  }

  #checkpointWhenIdle(): void {
    if (this.#closed) return;
    // A timer that runs is moved, not made anew: this is on the way of every start and exit.
    if (this.#idle) this.#idle.refresh();
    else
      this.#idle = setTimeout(
        () => inBackground("checkpoint of the store", async () => this.#database.checkpoint()),
        idleMs,
      ).unref();
  }
}
