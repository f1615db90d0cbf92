import { failedPrecondition, messageChain } from "@pouchcontainer/errors";
import { makeFolders } from "@pouchcontainer/owners";
import { constants } from "node:fs";
import { lstat, open, readdir, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { linesOf } from "./lines-of.ts";

/** Files that share the room there is. */
const parts = 8;
/** Of one line, however much room there is, or was for an earlier daemon. */
const mostLineBytes = 1024 * 1024;

interface Segment {
  number: number;
  bytes: number;
}

/** A line, and its place among all lines, of which later ones have a greater one; or what is said of a place where there is none. */
export type PlacedLine = { place: number } & ({ text: string } | { damage: string });

export const damagedLine = "lines that were cut when the daemon was killed, or are damaged, of whichever plugin";

/** Lines in files of root's own that have so many bytes in all: the oldest file goes for the next. One writes at a time. */
export class Segments {
  readonly #directory: string;
  readonly #bytes: number;
  readonly #segments: Segment[];
  /** The greatest number that is taken, by whatever it is. */
  #lastNumber: number;
  /** Whether the last one is this daemon's, and whole: the end of another's may be half a line. */
  #isOpen = false;

  private constructor(directory: string, bytes: number, segments: Segment[], lastNumber: number) {
    this.#directory = directory;
    this.#bytes = bytes;
    this.#segments = segments;
    this.#lastNumber = lastNumber;
  }

  /** What has the name of a file of it and is none stays where it is, and is warned of. */
  static async open(directory: string, bytes: number, warn: (message: string) => void): Promise<Segments> {
    await makeFolders(directory, 0o700);
    const numbers = (await readdir(directory)).flatMap((name) => numberOf(name) ?? []).sort((a, b) => a - b);
    const found: Segment[] = [];
    for (const number of numbers) {
      const path = join(directory, nameOf(number));
      const entry = await lstat(path);
      if (entry.isFile()) found.push({ number, bytes: entry.size });
      else warn(`${path} is no regular file, so none of the journal of plugin calls: nothing of it is read`);
    }
    const segments = new Segments(directory, bytes, found, numbers.at(-1) ?? 0);
    await segments.#makeRoom(0);
    return segments;
  }

  /** Most bytes of one line. */
  static lineBytes(bytes: number): number {
    return Math.min(Math.floor(bytes / parts), mostLineBytes);
  }

  /** Writes whole lines. What cannot be written leaves nothing of it. */
  async append(lines: Buffer): Promise<void> {
    await this.#makeRoom(lines.length);
    const segment = this.#segmentFor(lines.length);
    try {
      await using file = await openRegular(join(this.#directory, nameOf(segment.number)), appending);
      await file.appendFile(lines).catch(async (error: unknown) => {
        await file.truncate(segment.bytes).catch(() => undefined);
        throw error;
      });
      segment.bytes += lines.length;
    } catch (error) {
      this.#isOpen = false;
      if (segment.bytes === 0) await this.#drop(segment);
      throw error;
    }
  }

  /** Oldest first, those that are written now. Of these, what is dropped meanwhile is left out. */
  async *lines(): AsyncGenerator<PlacedLine> {
    for (const segment of this.#segments.map((one) => ({ ...one }))) if (segment.bytes > 0) yield* this.#linesOf(segment);
  }

  async *#linesOf({ number, bytes }: Segment): AsyncGenerator<PlacedLine> {
    const name = nameOf(number);
    let place = number * placesOfOne;
    try {
      await using file = await openRegular(join(this.#directory, name), constants.O_RDONLY);
      for await (const text of linesOf(file, bytes, mostLineBytes)) {
        place += 1;
        yield text === undefined ? { place, damage: damagedLine } : { place, text };
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      yield { place, damage: `files of the journal, of whichever plugin: ${name} cannot be read: ${messageChain(error)}` };
    }
  }

  #segmentFor(bytes: number): Segment {
    const last = this.#segments.at(-1);
    if (this.#isOpen && last !== undefined && last.bytes + bytes <= this.#bytes / parts) return last;
    const next = { number: (this.#lastNumber += 1), bytes: 0 };
    this.#segments.push(next);
    this.#isOpen = true;
    return next;
  }

  async #makeRoom(bytes: number): Promise<void> {
    const used = (): number => this.#segments.reduce((sum, segment) => sum + segment.bytes, bytes);
    while (used() > this.#bytes) {
      const oldest = this.#segments[0];
      if (oldest === undefined) return;
      await this.#drop(oldest);
    }
  }

  async #drop(segment: Segment): Promise<void> {
    if (segment === this.#segments.at(-1)) this.#isOpen = false;
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await rm(join(this.#directory, nameOf(segment.number)), { force: true });
  }
}

/** More than lines of one file; times the greatest number, it is one that is still exact. */
const placesOfOne = 2 ** 23;

function nameOf(number: number): string {
  return `${String(number).padStart(8, "0")}.ndjson`;
}

/** Undefined for a name that is none of these files. */
function numberOf(name: string): number | undefined {
  const number = Number.parseInt(name, 10);
  return /^\d{8,9}\.ndjson$/.test(name) && name === nameOf(number) ? number : undefined;
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const appending = O_WRONLY | O_APPEND | O_CREAT;

/** Neither a link nor a pipe that lies there in a file's place is followed, or waited for. */
async function openRegular(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw failedPrecondition("it is no regular file");
}
