import { inBackground, makeFolders } from "@pouchcontainer/owners";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KeyedMutex } from "../keyed-mutex.ts";
import { markerPath, markerText, type HomeMarker } from "./home-marker.ts";
import { namesIn } from "./names-in.ts";
import { writeWhole } from "./written-whole.ts";

/** Which record. */
export interface RecordName {
  collection: string;
  id: string;
}

/** A record as it lies beside the database. */
export interface RecordCopy extends RecordName {
  /** Transactions the database had seen when the copy was made. */
  sequence: number;
  record: unknown;
}

export interface RecordCopiesDeps {
  home: string;
  /** The daemon's id. */
  identity: string;
  /** Transactions the database has seen by now. */
  sequence: () => number;
  /** The record as it is committed, as JSON; undefined when it is gone. */
  current: (name: RecordName) => string | undefined;
  /** Told when copies cannot be written, once until they can again. */
  warn: (message: string, fields?: Record<string, unknown>) => void;
}

/** Changes that follow each other this fast are written once: a container that starts and exits in between costs nothing. */
const delayMs = 1000;
/** After which what could not be written is tried again. */
const retryMs = 5000;

/**
 * Copies of the store's records in files of their own, from which the store can be made anew: a container's in its folder, all
 * others below `records`. A copy follows its commit by at most a second and is removed before the record is, so a copy that
 * the store knows nothing of means that the store has lost something. What they cost and why: docs/adr, "Records lie beside".
 */
export class RecordCopies {
  readonly #deps: RecordCopiesDeps;
  /** Records whose copy is to be written, by path. */
  readonly #pending = new Map<string, RecordName>();
  readonly #files = new KeyedMutex();
  #timer: NodeJS.Timeout | undefined;
  #flushed: Promise<void> = Promise.resolve();
  #failing = false;
  #closed = false;

  constructor(deps: RecordCopiesDeps) {
    this.#deps = deps;
  }

  /** The record was committed: its copy follows. */
  changed(name: RecordName): void {
    this.#pending.set(copyPath(this.#deps.home, name), name);
    this.#schedule(delayMs);
  }

  #schedule(afterMs: number): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => inBackground("copies of records", () => this.flush()), afterMs).unref();
  }

  /** Resolves when the record's copy is written. */
  async write(name: RecordName): Promise<void> {
    const path = copyPath(this.#deps.home, name);
    this.#pending.delete(path);
    await this.#write(path, name);
  }

  /** Resolves when there is no copy any more, and none comes later. */
  async remove(name: RecordName): Promise<void> {
    const path = copyPath(this.#deps.home, name);
    await this.#files.run(path, async () => {
      this.#pending.delete(path);
      await rm(path, { force: true });
    });
  }

  /**
   * Resolves when what waits is written, by this call or one before it. Never rejects: what cannot be written now is tried again later.
   */
  flush(): Promise<void> {
    return (this.#flushed = this.#flushed.then(() => this.#flush()));
  }

  /** Writes what waits, and nothing after that: the next daemon may have the home by then. Copies of single records are up to who asks for them. */
  close(): Promise<void> {
    return (this.#flushed = this.#flushed.then(async () => {
      await this.#flush();
      this.#closed = true;
      clearTimeout(this.#timer);
    }));
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed) return;
    const { home, identity, sequence, warn } = this.#deps;
    try {
      // First: no copy is further than what the marker says the database had seen.
      const marker = markerPath(home);
      const mark = (told: Omit<HomeMarker, "id">) =>
        this.#files.run(marker, () => writeWhole(marker, markerText({ id: identity, ...told })));
      const upTo = sequence();
      await mark({ sequence: upTo });
      for (const [path, name] of this.#pending) {
        this.#pending.delete(path);
        await this.#write(path, name).catch((error: unknown) => {
          this.#pending.set(path, name);
          throw error;
        });
      }
      // What has been committed meanwhile waits for the next time.
      await mark({ sequence: sequence(), copied: upTo });
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) warn("records cannot be written beside the store; it goes on without", { error: String(error) });
      this.#failing = true;
      this.#schedule(retryMs);
    }
  }

  async #write(path: string, name: RecordName): Promise<void> {
    const { current, sequence } = this.#deps;
    await this.#files.run(path, async () => {
      const json = current(name);
      if (json === undefined) return;
      const text = copyText({ ...name, sequence: sequence() }, json);
      try {
        await writeWhole(path, text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        // A container's folder is made and removed by those who make and remove containers.
        if (name.collection === containersCollection) return;
        await makeFolders(dirname(path), 0o700);
        await writeWhole(path, text);
      }
    });
  }
}

function copyText(head: Omit<RecordCopy, "record">, json: string): string {
  return `${JSON.stringify(head).slice(0, -1)},"record":${json}}\n`;
}

export const containersCollection = "containers";
/** Beside the container's log and network files. */
const containerCopyName = "container.json";

/** Names of files have at most 255 bytes; the copy itself says which record it is. */
function fileNameOf(id: string): string {
  const name = encodeURIComponent(id);
  return `${name.length <= 200 ? name : createHash("sha256").update(id).digest("hex")}.json`;
}

export function copyPath(home: string, { collection, id }: RecordName): string {
  return collection === containersCollection
    ? join(home, "containers", id, containerCopyName)
    : join(home, "records", collection, fileNameOf(id));
}

/** Every copy in a home directory; those that cannot be read are told and left out. */
export function readCopies(home: string, unreadable: (path: string, error: unknown) => void): RecordCopy[] {
  const containers = namesIn(join(home, "containers")).map((id) => join(home, "containers", id, containerCopyName));
  const others = namesIn(join(home, "records")).flatMap((collection) =>
    namesIn(join(home, "records", collection))
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(home, "records", collection, name)),
  );
  return [...containers, ...others].flatMap((path) => {
    try {
      return [parseCopy(readFileSync(path, "utf8"))];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") unreadable(path, error);
      return [];
    }
  });
}

/** The copy of one record; undefined where there is none that can be read. */
export function readCopy(home: string, name: RecordName): RecordCopy | undefined {
  try {
    return parseCopy(readFileSync(copyPath(home, name), "utf8"));
  } catch {
    return undefined;
  }
}

function parseCopy(text: string): RecordCopy {
  const { collection, id, sequence, record } = JSON.parse(text) as Partial<RecordCopy>;
  if (typeof collection !== "string" || typeof id !== "string" || typeof sequence !== "number" || record === undefined)
    throw new Error("it is not the copy of a record");
  return { collection, id, sequence, record };
}
