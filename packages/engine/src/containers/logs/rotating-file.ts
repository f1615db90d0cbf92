import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

export interface RotationOptions {
  /** Size in bytes at which a file is put aside; -1 never. */
  maxSizeBytes: number;
  /** Files kept, the current one included. */
  maxFiles: number;
  compress: boolean;
}

/** Who else has a say in the file. */
export interface RotatingFilePlace {
  /** Opens the path for reading and appending; default: as any file, made where there is none. */
  open?: (path: string) => number;
  /** Paths where the file may be that was put aside last. Default: `<path>.1`. */
  aside?: (path: string) => string[];
}

/**
 * A log file that is put aside as `<path>.1`, `.2`… when it is full. Never truncated in place: whoever reads an old file
 * by its descriptor reads it to the end.
 */
export class RotatingFile {
  readonly path: string;
  readonly #options: RotationOptions;
  readonly #place: Required<RotatingFilePlace>;
  #fd: number;
  #size: number;
  #inode: number;
  /** How many times this object has put a file aside: readers compare it to see that theirs is no longer the current one. */
  rotations = 0;
  #compressing: Promise<void> = Promise.resolve();

  constructor(path: string, options: RotationOptions, place: RotatingFilePlace = {}) {
    this.path = path;
    this.#options = options;
    this.#place = { open: (file) => openSync(file, "a+", 0o640), aside: (file) => [`${file}.1`], ...place };
    this.#fd = this.#place.open(path);
    try {
      this.#size = cutTornEntry(this.#fd);
      this.#inode = fstatSync(this.#fd).ino;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  get inode(): number {
    return this.#inode;
  }

  /** Bytes until the file is full; Infinity without a limit. */
  get roomBytes(): number {
    return this.#options.maxSizeBytes > 0 ? this.#options.maxSizeBytes - this.#size : Infinity;
  }

  append(bytes: Buffer, length: number): void {
    this.#renewIfDeleted();
    let written = 0;
    while (written < length) written += writeSync(this.#fd, bytes, written, length - written);
    this.#size += length;
  }

  /** After a failed write: takes back a piece of an entry that reached the file. */
  repair(): void {
    this.#size = cutTornEntry(this.#fd);
  }

  /** Takes back what was written after that position, also when its file was put aside since. */
  takeBack({ inode, size }: { inode: number; size: number }): void {
    if (inode === this.#inode) {
      if (size < this.#size) ftruncateSync(this.#fd, size);
      this.#size = Math.min(size, this.#size);
      return;
    }
    const aside = this.#place.aside(this.path).find((path) => statSync(path, { throwIfNoEntry: false })?.ino === inode);
    if (aside === undefined) return;
    if (size < statSync(aside).size) truncateSync(aside, size);
    ftruncateSync(this.#fd);
    this.#size = 0;
  }

  rotate(): void {
    this.#renewIfDeleted();
    const { maxFiles, compress } = this.#options;
    // Put aside already when the new file could not be opened then.
    if (statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode) {
      if (maxFiles < 2) rmSync(this.path, { force: true });
      else this.#shift(maxFiles);
    }
    this.reopen();
    if (compress && maxFiles > 1) {
      const rotation = this.rotations;
      this.#compressing = this.#compressing.then(() => this.#compress(rotation)).catch(() => undefined);
    }
  }

  /** Goes on in what is at the path now; the old one is closed last: the number of a closed descriptor is soon that of somebody else's file. */
  reopen(): void {
    const fresh = this.#place.open(this.path);
    const { ino, size } = fstatSync(fresh);
    if (ino === this.#inode) return closeSync(fresh);
    closeSync(this.#fd);
    this.#fd = fresh;
    this.#inode = ino;
    this.#size = size;
    this.rotations++;
  }

  /** Closes the file of a log that could not be taken up. */
  abandon(): void {
    closeSync(this.#fd);
  }

  /** Closes the file; resolves when old files are compressed. */
  async close(): Promise<void> {
    closeSync(this.#fd);
    await this.#compressing;
  }

  /** Somebody took the file away: what is written goes into a new one, where it can be read. */
  #renewIfDeleted(): void {
    if (fstatSync(this.#fd).nlink === 0) this.reopen();
  }

  /** Up to the first gap: what a failure has left half done costs no further file. */
  #shift(maxFiles: number): void {
    const endings = ["", ".gz"];
    let free = 1;
    while (free < maxFiles && endings.some((ending) => existsSync(`${this.path}.${free}${ending}`))) free++;
    if (free === maxFiles) {
      free--;
      for (const ending of endings) rmSync(`${this.path}.${free}${ending}`, { force: true });
    }
    for (let index = free - 1; index > 0; index--) {
      for (const ending of endings) {
        try {
          renameSync(`${this.path}.${index}${ending}`, `${this.path}.${index + 1}${ending}`);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        }
      }
    }
    renameSync(this.path, `${this.path}.1`);
  }

  /** Compresses the file put aside by that rotation; files move up while this works, so names are worked out at each end. */
  async #compress(rotation: number): Promise<void> {
    const place = (): string => `${this.path}.${this.rotations - rotation + 1}`;
    const temporary = `${this.path}.compressing`;
    await pipeline(createReadStream(place()), createGzip(), createWriteStream(temporary, { mode: 0o640 }));
    const target = place();
    if (this.rotations - rotation + 1 < this.#options.maxFiles) {
      await rename(temporary, `${target}.gz`);
      rmSync(target, { force: true });
    } else {
      rmSync(temporary, { force: true });
    }
  }
}

/** A daemon killed in the middle of a write leaves a piece of an entry at the end; returns the size without it. */
function cutTornEntry(fd: number): number {
  const { size } = fstatSync(fd);
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    const read = readSync(fd, block, 0, end - start, start);
    const last = block.subarray(0, read).lastIndexOf(10);
    if (last !== -1) {
      const whole = start + last + 1;
      if (whole < size) ftruncateSync(fd, whole);
      return whole;
    }
    end = start;
  }
  if (size > 0) ftruncateSync(fd, 0);
  return 0;
}
