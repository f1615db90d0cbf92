import type { EngineError } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { isDiskFull } from "../disk-full.ts";
import { backupDatabase, type StoreBackup } from "./backup-database.ts";
import type { Change, Database } from "./database.ts";
import { openDatabase } from "./open-database.ts";
import { reconcile } from "./reconcile.ts";
import { Reserve } from "./reserve.ts";
import { containersCollection, copyPath, readCopy, RecordCopies } from "./record-copies.ts";
import { damaged, isNoRoom, noRoom, openFailure, storeClosed, writeFailure } from "./store-failure.ts";

/** A named set of JSON records, read from memory, written durably. */
export interface Collection<T> {
  /** The committed record. Treat it as immutable: write a changed copy with `put`. */
  get(id: string): T | undefined;
  values(): IterableIterator<T>;
  /** Resolves when the record is on disk; readers see it from then on, never earlier. Refused as `resourceExhausted` on a full disk. */
  put(id: string, value: T, options?: PutOptions): Promise<void>;
  /** Resolves when the removal is on disk, also when there was no such record. A full disk does not refuse it, as with what has happened. */
  delete(id: string): Promise<void>;
}

export interface PutOptions {
  /**
   * It is so already, whatever the disk says: without room for it readers see it all the same, and it is written as soon as there is
   * some. Default: no.
   */
  happened?: boolean;
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
  removal: Store["removal"];
}

export interface StoreOptions {
  /** Told what an operator should know: records that were found beside the store and not in it. Default: nobody. */
  warn?: (message: string, fields?: Record<string, unknown>) => void;
}

interface Write extends Change {
  /** Holds in memory at least. */
  happened: boolean;
  apply: () => void;
  resolve: () => void;
  reject: (error: EngineError) => void;
}

/** How long nothing is written before the write-ahead log is brought into the file: a copy of the file alone is then complete. */
const idleMs = 2000;
/** How often it is looked whether there is room again. */
const roomLookMs = 1000;

/**
 * The daemon's one embedded store. Writes that arrive while others wait are grouped into one transaction, so 64 writers
 * share one fsync. A write that fails (full or read-only disk) changes nothing, in memory neither, but what has happened and what
 * makes room is true on a full disk too: the store keeps a reserve for it, and when that is used up it is written later.
 */
export class Store {
  readonly #database: Database;
  readonly #copies: RecordCopies;
  readonly #reserve: Reserve;
  readonly #warn: NonNullable<StoreOptions["warn"]>;
  readonly #collections = new Map<string, Map<string, unknown>>();
  /** Containers whose record lies beside the store. */
  readonly #kept = new Set<string>();
  #queue: Write[] = [];
  #scheduled = false;
  #closed = false;
  #idle: NodeJS.Timeout | undefined;
  /** What holds in memory and there was no room for, by record. */
  readonly #owed = new Map<string, Change>();
  #roomLook: NodeJS.Timeout | undefined;

  /** Opens or creates the store and reads it into memory. One process at a time: a second one is refused. */
  static open(file: string, options: StoreOptions = {}): Store {
    const warn = options.warn ?? (() => undefined);
    const { database, marker } = openDatabase(file);
    try {
      const inStep = marker?.sequence === database.sequence && marker.copied === database.sequence;
      reconcile(database, marker, warn);
      return new Store(database, warn, inStep);
    } catch (error) {
      database.close();
      throw openFailure(file, error);
    }
  }

  private constructor(database: Database, warn: NonNullable<StoreOptions["warn"]>, copiesInStep: boolean) {
    this.#database = database;
    this.#warn = warn;
    this.#reserve = new Reserve(`${database.file}-reserve`);
    this.#reserve.fill();
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
      put: async (id, value, options) => {
        await this.#write({ collection: name, id, json: JSON.stringify(value) }, () => records.set(id, value), options);
        this.#copies.changed({ collection: name, id });
      },
      delete: async (id) => {
        await this.#copies.remove({ collection: name, id });
        await this.#write({ collection: name, id, json: undefined }, () => records.delete(id), { happened: true });
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
      put: async (id, value, options) => {
        await this.#write({ collection: name, id, json: JSON.stringify(value) }, () => records.set(id, value), options);
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
      removal: (work) => this.removal(work),
      // Only this collection's own writers put values under this name, as T.
      findCopy: (id) => readCopy(this.#database.home, { collection: name, id })?.record as T | undefined,
    };
  }

  /**
   * Does what makes room in somebody else's store, containerd's above all, which has to write for it: on a full disk the reserve is given up
   * for that, as far as it takes. `work` is done again then.
   */
  async removal<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isDiskFull(error) || !this.#reserve.giveSome()) throw error;
        this.#lookForRoom();
      }
    }
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
    clearTimeout(this.#roomLook);
    if (this.#owed.size > 0)
      this.#warn("the disk is full: what happened to some records is lost with this stop", { records: [...this.#owed.keys()] });
    await this.#copies.close();
    this.#checkpoint({ keepRoom: false });
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

  #write(change: Change, apply: () => void, { happened = false }: PutOptions = {}): Promise<void> {
    if (this.#closed) return Promise.reject(storeClosed());
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...change, happened, apply, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    this.#scheduled = false;
    const writes = this.#queue;
    this.#queue = [];
    if (writes.length + this.#owed.size === 0) return;
    // What adds must not take the room that was given up.
    const room = this.#reserve.fill() || writes.every(({ happened }) => happened);
    const failure = room ? this.#commit(writes) : noRoom(this.#database.file);
    if (failure === undefined) return done(writes);
    const facts = isNoRoom(failure) ? writes.filter(({ happened }) => happened) : [];
    for (const write of writes) if (!facts.includes(write)) write.reject(failure);
    if (facts.length + this.#owed.size > 0) this.#commitOrOwe(facts);
  }

  /** In one transaction with what is owed; says why it could not be. */
  #commit(changes: readonly Change[]): EngineError | undefined {
    try {
      this.#database.commit([...this.#owed.values(), ...changes].map(({ collection, id, json }) => ({ collection, id, json })));
    } catch (error) {
      return writeFailure(this.#database.file, error);
    }
    this.#owed.clear();
    this.#checkpointWhenIdle();
    return undefined;
  }

  /** For what holds whether it can be written or not. */
  #commitOrOwe(facts: readonly Write[]): void {
    let failure = this.#commit(facts);
    while (isNoRoom(failure)) {
      // The write-ahead log begins anew in the room it has.
      this.#checkpoint({ keepRoom: true });
      failure = this.#commit(facts);
      if (isNoRoom(failure) && !this.#reserve.giveSome()) break;
    }
    if (failure !== undefined && !isNoRoom(failure)) for (const fact of facts) fact.reject(failure);
    else done(facts);
    if (!isNoRoom(failure)) return this.#lookForRoom();
    if (this.#owed.size === 0)
      this.#warn("the disk is full: what happens to records holds in memory, and is written when there is room", {
        file: this.#database.file,
      });
    for (const fact of facts) this.#owed.set(`${fact.collection}/${fact.id}`, fact);
    this.#lookForRoom();
  }

  /** Until all is written and the reserve is there again. */
  #lookForRoom(): void {
    if (this.#closed) return;
    this.#roomLook ??= setTimeout(() => {
      this.#roomLook = undefined;
      inBackground("writing what the disk had no room for", async () => this.#flush());
      if (this.#owed.size > 0 || !this.#reserve.fill()) this.#lookForRoom();
    }, roomLookMs).unref();
  }

  /** A full disk may not have room for it either: then the log stays as it is. */
  #checkpoint({ keepRoom }: { keepRoom: boolean }): void {
    try {
      this.#database.checkpoint({ keepRoom });
    } catch (error) {
      if (!isNoRoom(writeFailure(this.#database.file, error))) throw error;
    }
  }

  #checkpointWhenIdle(): void {
    if (this.#closed) return;
    // A timer that runs is moved, not made anew: this is on the way of every start and exit.
    if (this.#idle) this.#idle.refresh();
    else
      this.#idle = setTimeout(
        () => inBackground("checkpoint of the store", async () => this.#checkpoint({ keepRoom: !this.#reserve.isWhole })),
        idleMs,
      ).unref();
  }
}

function done(writes: readonly Write[]): void {
  for (const write of writes) {
    write.apply();
    write.resolve();
  }
}
