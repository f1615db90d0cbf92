import { makeFolders } from "@pouchcontainer/owners";
import { linesOf } from "./lines-of.ts";
import { open, readdir, rm, stat, truncate, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

/** Files that share the room there is. */
const parts = 8;
/** Of one line, however much room there is, or was for an earlier daemon. */
const mostLineBytes = 1024 * 1024;

interface Segment {
  number: number;
  bytes: number;
}

/** A line, and its place among all lines: later ones have a greater one. Without a text where it is longer than any may be. */
export interface PlacedLine {
  place: number;
  text: string | undefined;
}

/** Lines in files of root's own that have so many bytes in all: the oldest file goes for the next. One writes at a time. */
export class Segments {
  readonly #directory: string;
  readonly #bytes: number;
  readonly #segments: Segment[];
  /** Whether the last one is this daemon's, and whole: the end of another's may be half a line. */
  #isOpen = false;

  private constructor(directory: string, bytes: number, segments: Segment[]) {
    this.#directory = directory;
    this.#bytes = bytes;
    this.#segments = segments;
  }

  static async open(directory: string, bytes: number): Promise<Segments> {
    await makeFolders(directory, 0o700);
    const numbers = (await readdir(directory)).flatMap((name) => (isSegment(name) ? [Number.parseInt(name, 10)] : []));
    const found: Segment[] = [];
    for (const number of numbers.sort((a, b) => a - b))
      found.push({ number, bytes: (await stat(join(directory, nameOf(number)))).size });
    const segments = new Segments(directory, bytes, found);
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
    const segment = await this.#segmentFor(lines.length);
    const path = join(this.#directory, nameOf(segment.number));
    try {
      await using file = await open(path, "a", 0o600);
      await file.appendFile(lines);
      segment.bytes += lines.length;
    } catch (error) {
      this.#isOpen = false;
      if (segment.bytes === 0) await this.#drop(segment);
      else await truncate(path, segment.bytes).catch(() => undefined);
      throw error;
    }
  }

  /** Oldest first, those that are written now. Of these, what is dropped meanwhile is left out. */
  async *lines(): AsyncGenerator<PlacedLine> {
    for (const { number, bytes } of this.#segments.map((segment) => ({ ...segment }))) {
      const opened = bytes === 0 ? undefined : await openUnlessGone(join(this.#directory, nameOf(number)));
      if (opened === undefined) continue;
      await using file = opened;
      let place = number * placesOfOne;
      for await (const text of linesOf(file, bytes, mostLineBytes)) yield { place: (place += 1), text };
    }
  }

  async #segmentFor(bytes: number): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (this.#isOpen && last !== undefined && last.bytes + bytes <= this.#bytes / parts) return last;
    const next = { number: (last?.number ?? 0) + 1, bytes: 0 };
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

/** More than lines of one file. */
const placesOfOne = 2 ** 32;

const isSegment = (name: string): boolean => /^\d{8,12}\.ndjson$/.test(name);

function nameOf(number: number): string {
  return `${String(number).padStart(8, "0")}.ndjson`;
}

async function openUnlessGone(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
