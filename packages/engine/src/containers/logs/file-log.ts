import type { Clock } from "../clock.ts";
import type { Checkpoint, LogCheckpoint } from "./log-checkpoint.ts";
import type { EntryFormatter, EntrySink, LogDriver } from "./log-driver.ts";
import type { RotatingFile } from "./rotating-file.ts";

export interface FileLogDeps {
  clock: Clock;
  /** Told once per outage that entries are lost (full disk), with the cause. */
  onLost: (error: unknown) => void;
  /** Another text after each start of the machine; default: the same for ever. */
  boot?: string;
}

/** What makes a file log one of a format. */
export interface FileLogParts {
  file: RotatingFile;
  checkpoint: LogCheckpoint;
  formatters: Record<"stdout" | "stderr", EntryFormatter>;
}

/** A log of lines in files of the daemon's machine, in whatever format. */
export class FileLog implements LogDriver {
  readonly #file: RotatingFile;
  readonly #clock: Clock;
  readonly #onLost: (error: unknown) => void;
  readonly #checkpoint: LogCheckpoint;
  readonly #formatters: Record<"stdout" | "stderr", EntryFormatter>;
  readonly #sink: EntrySink;
  /** How far the streams' journals are used; undefined until a stream with one has output. */
  #positions: Record<"stdout" | "stderr", number> | undefined;
  /** The chunk at work: what was there before it, and how many entries it has made so far. */
  #chunk: { stream: "stdout" | "stderr"; before: Record<"stdout" | "stderr", Buffer>; entries: number } | undefined;
  /** How many entries of the chunk at work, or of the next one when it comes again, are in files put aside already. */
  #aside = { stdout: 0, stderr: 0 };
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #filled = 0;
  #losing = false;
  #closed = false;
  #wake: (() => void)[] = [];

  constructor({ file, checkpoint, formatters }: FileLogParts, deps: FileLogDeps) {
    this.#file = file;
    this.#clock = deps.clock;
    this.#onLost = deps.onLost;
    this.#formatters = formatters;
    this.#checkpoint = checkpoint;
    try {
      this.#takeUp(this.#checkpoint.load());
    } catch (error) {
      file.abandon();
      throw error;
    }
    const room = (): number => this.#file.roomBytes - this.#filled;
    this.#sink = {
      get roomBytes() {
        return room();
      },
      append: (entries, ascii) => this.#append(entries, ascii),
    };
  }

  get path(): string {
    return this.#file.path;
  }

  get rotations(): number {
    return this.#file.rotations;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(stream: "stdout" | "stderr", chunk: Buffer, position?: number): void {
    this.#guarded(stream, position, () => this.#formatters[stream].write(chunk, this.#clock.now(), this.#sink));
  }

  journalPosition(stream: "stdout" | "stderr"): number {
    return this.#positions?.[stream] ?? 0;
  }

  end(stream: "stdout" | "stderr"): void {
    this.#guarded(stream, undefined, () => this.#formatters[stream].end(this.#clock.now(), this.#sink));
  }

  unfinished(stream: "stdout" | "stderr"): Buffer {
    return this.#formatters[stream].pending;
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  begin(): void {
    this.end("stdout");
    this.end("stderr");
    this.#positions = undefined;
    this.#aside = { stdout: 0, stderr: 0 };
    this.#checkpoint.discard();
  }

  reopen(): void {
    if (this.#closed) return;
    this.#file.reopen();
    // From here on what is taken back is taken back in the new file.
    this.#save(this.#pending);
    this.#notify();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.end("stdout");
    this.end("stderr");
    this.#checkpoint.close();
    await this.#release();
  }

  forgetJournals(): void {
    this.#checkpoint.discard();
  }

  async suspend(): Promise<void> {
    if (this.#closed) return;
    this.#checkpoint.close();
    await this.#release();
  }

  async #release(): Promise<void> {
    this.#closed = true;
    this.#notify();
    await this.#file.close();
  }

  /**
   * Goes on where an earlier daemon was killed. With journals, entries after its checkpoint are taken back, since the journals
   * still have what they were made of; without, the checkpoint counts only if nothing was written after it.
   */
  #takeUp(left: Checkpoint | undefined): void {
    if (!left) return;
    const replayed = left.sameBoot && left.positions !== undefined;
    if (replayed) this.#file.takeBack(left);
    else if (left.inode !== this.#file.inode || left.size !== this.#file.size) return;
    this.#formatters.stdout.restore(left.pending.stdout);
    this.#formatters.stderr.restore(left.pending.stderr);
    if (!replayed) return;
    this.#positions = left.positions;
    this.#aside = left.aside;
  }

  /** A full disk must not take the daemon or the container along: entries are lost until there is room again. */
  #guarded(stream: "stdout" | "stderr", position: number | undefined, write: () => void): void {
    if (this.#closed) return;
    this.#chunk = { stream, before: this.#pending, entries: 0 };
    try {
      // What follows can be taken back to something only when that is known.
      if (position !== undefined && this.#positions === undefined) {
        this.#positions = { stdout: 0, stderr: 0 };
        this.#save(this.#pending);
      }
      write();
      this.#flush();
      if (position !== undefined && this.#positions) {
        this.#positions[stream] = position;
        this.#aside[stream] = 0;
      }
      this.#save(this.#pending);
      this.#losing = false;
    } catch (error) {
      this.#filled = 0;
      if (!this.#losing) this.#onLost(error);
      this.#losing = true;
      this.#repair();
    }
    this.#notify();
  }

  get #pending(): Record<"stdout" | "stderr", Buffer> {
    return { stdout: this.#formatters.stdout.pending, stderr: this.#formatters.stderr.pending };
  }

  #save(pending: Record<"stdout" | "stderr", Buffer>): void {
    const positions = this.#positions;
    const nothing = positions === undefined && pending.stdout.length === 0 && pending.stderr.length === 0;
    if (nothing && !this.#checkpoint.exists) return;
    const { inode, size } = this.#file;
    this.#checkpoint.save({ inode, size, pending, ...(positions ? { positions } : {}), aside: this.#aside });
  }

  #repair(): void {
    try {
      this.#file.repair();
    } catch {
      // A file system that cannot even truncate: the next successful open cuts the torn entry.
    }
  }

  #append(made: string, ascii: boolean): void {
    const entries = this.#positions && this.#file.roomBytes !== Infinity ? this.#notAside(made) : made;
    if (this.#file.roomBytes - this.#filled <= 0) {
      this.#flush();
      this.#file.rotate();
      this.#noteAside(made);
    }
    const size = ascii ? entries.length : Buffer.byteLength(entries);
    if (this.#filled + size > this.#buffer.length) {
      this.#flush();
      if (size > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(size);
    }
    this.#filled += this.#buffer.write(entries, this.#filled, ascii ? "latin1" : "utf8");
  }

  /** Counts the entries and leaves out those that an earlier daemon has put aside. */
  #notAside(made: string): string {
    const chunk = this.#chunk;
    if (!chunk) return made;
    const lines = made.split("\n").slice(0, -1);
    const skipped = Math.min(lines.length, Math.max(0, this.#aside[chunk.stream] - chunk.entries));
    chunk.entries += lines.length;
    return skipped === 0
      ? made
      : lines
          .slice(skipped)
          .map((line) => `${line}\n`)
          .join("");
  }

  /** A file was put aside before these entries: should the chunk come again, the ones before them are not written again. */
  #noteAside(made: string): void {
    const chunk = this.#chunk;
    if (!chunk || !this.#positions) return;
    this.#aside[chunk.stream] = chunk.entries - (made.split("\n").length - 1);
    this.#save(chunk.before);
  }

  #flush(): void {
    if (this.#filled === 0) return;
    const length = this.#filled;
    this.#filled = 0;
    this.#file.append(this.#buffer, length);
  }

  #notify(): void {
    if (this.#wake.length === 0) return;
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
