import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";

/** What a journaled pipe needs of the kernel. */
export interface JournalCalls {
  /** Bytes moved from the pipe to that place of the file: 0 at the pipe's end, undefined when none could be moved. */
  moveToFile(pipe: number, file: number, offset: number, size: number): number | undefined;
  /** `onReadable` is called as long as there is something to read, or the end. */
  watchReadable(fd: number, onReadable: () => void): { pause(): void; resume(): void; close(): void };
}

export interface JournaledPipeOptions {
  calls: JournalCalls;
  /** Read buffer shared by all pipes: a chunk is used up before the callback returns. */
  buffer: Buffer;
  enlarge?: (fd: number) => void;
  /** How far the journal of an earlier daemon was used; what follows comes first. */
  from: number;
  /** `position`: how far the journal is used with this chunk. False asks for a pause until `resume`. */
  onChunk: (chunk: Buffer, position: number) => boolean;
}

const chunkBytes = 64 * 1024;
/** Beyond this a journal that is used up begins anew. Longer than a chunk: a position beyond the file's end says that it did. */
const longestJournal = 4 * chunkBytes;

/**
 * The daemon's end of an output FIFO whose bytes survive `kill -9`: the kernel moves them from the pipe into a file in one
 * step, and only there they are read. Whoever uses the chunks remembers the position together with what it made of them;
 * the next daemon goes on from it.
 */
export class JournaledPipe {
  readonly ended: Promise<void>;
  readonly #options: JournaledPipeOptions;
  readonly #pipe: number;
  readonly #journal: number;
  readonly #watch: ReturnType<JournalCalls["watchReadable"]>;
  readonly #end = Promise.withResolvers<void>();
  #size: number;
  #guard: number | undefined;
  #closed = false;

  /** Holds a writing end too, until `release`: a FIFO nobody has written to would look ended already. */
  constructor(path: string, options: JournaledPipeOptions) {
    this.#options = options;
    this.ended = this.#end.promise;
    const opened: number[] = [];
    const open = (file: string, flags: number): number => {
      const fd = openSync(file, flags, 0o600);
      opened.push(fd);
      return fd;
    };
    try {
      this.#pipe = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      this.#guard = open(path, constants.O_WRONLY | constants.O_NONBLOCK);
      this.#journal = open(`${path}.journal`, constants.O_RDWR | constants.O_CREAT);
      options.enlarge?.(this.#pipe);
      this.#size = fstatSync(this.#journal).size;
      this.#watch = options.calls.watchReadable(this.#pipe, () => this.#readable());
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      throw error;
    }
    // Used up and begun anew, but not noted yet: everything in it is new.
    let at = options.from > this.#size ? 0 : options.from;
    try {
      while (at < this.#size) at += this.#hand(at, this.#size - at);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The process has opened its end: from now on the pipe ends when it closes that. */
  release(): void {
    if (this.#guard === undefined) return;
    closeSync(this.#guard);
    this.#guard = undefined;
  }

  resume(): void {
    if (!this.#closed) this.#watch.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.release();
    this.#watch.close();
    closeSync(this.#pipe);
    closeSync(this.#journal);
    this.#end.resolve();
  }

  #readable(): void {
    if (this.#closed) return;
    try {
      this.#readOnce();
    } catch (error) {
      // Nothing to read after all; every other failure ends the stream like its end does.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") this.close();
    }
  }

  #readOnce(): void {
    const { calls, buffer, onChunk } = this.#options;
    if (this.#size > longestJournal) {
      ftruncateSync(this.#journal);
      this.#size = 0;
    }
    const at = this.#size;
    const moved = calls.moveToFile(this.#pipe, this.#journal, at, chunkBytes);
    if (moved === 0) return this.close();
    if (moved !== undefined) {
      this.#size += moved;
      // Whoever gets a chunk may close this; the descriptor's number is somebody else's then.
      for (let done = 0; done < moved && !this.#closed;) done += this.#hand(at + done, moved - done);
      return;
    }
    // Empty, or no room for the journal: without one, as long as that lasts.
    const size = readSync(this.#pipe, buffer, 0, buffer.length, null);
    if (size === 0) return this.close();
    if (!onChunk(buffer.subarray(0, size), at)) this.#watch.pause();
  }

  #hand(at: number, most: number): number {
    const { buffer, onChunk } = this.#options;
    const size = readSync(this.#journal, buffer, 0, Math.min(most, buffer.length), at);
    if (size === 0) throw new Error("a journal of output is shorter than what was written to it");
    if (!onChunk(buffer.subarray(0, size), at + size)) this.#watch.pause();
    return size;
  }
}
