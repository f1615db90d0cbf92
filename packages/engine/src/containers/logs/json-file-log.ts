import { rfc3339Nano, type Clock } from "../clock.ts";
import { LineFormatter, type EntrySink } from "./log-format.ts";
import { RotatingFile, type RotationOptions } from "./rotating-file.ts";
import { UnfinishedLines } from "./unfinished-lines.ts";

export interface JsonFileLogOptions extends RotationOptions {
  /** Labels and env variables the container's log options ask for, in each entry. */
  attrs?: Record<string, string>;
}

export interface JsonFileLogDeps {
  clock: Clock;
  /** Told once per outage that entries are lost (full disk), with the cause. */
  onLost: (error: unknown) => void;
}

/**
 * The writing end of one run's json-file log. `write` returns with the chunk on its way to disk (in the page cache), so that
 * killing the daemon loses nothing that was written; readers that follow wait on `changed`.
 */
export class JsonFileLog {
  readonly #file: RotatingFile;
  readonly #clock: Clock;
  readonly #onLost: (error: unknown) => void;
  readonly #unfinished: UnfinishedLines;
  readonly #formatters: Record<"stdout" | "stderr", LineFormatter>;
  readonly #sink: EntrySink;
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #filled = 0;
  #losing = false;
  #closed = false;
  #wake: (() => void)[] = [];

  constructor(path: string, options: JsonFileLogOptions, deps: JsonFileLogDeps) {
    this.#file = new RotatingFile(path, options);
    this.#clock = deps.clock;
    this.#onLost = deps.onLost;
    this.#formatters = { stdout: new LineFormatter("stdout", options.attrs), stderr: new LineFormatter("stderr", options.attrs) };
    this.#unfinished = new UnfinishedLines(path);
    const left = this.#unfinished.load({ inode: this.#file.inode, size: this.#file.size });
    if (left) {
      this.#formatters.stdout.restore(left.stdout);
      this.#formatters.stderr.restore(left.stderr);
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

  write(stream: "stdout" | "stderr", chunk: Buffer): void {
    this.#guarded(() => this.#formatters[stream].write(chunk, rfc3339Nano(this.#clock.now()), this.#sink));
  }

  /** That stream has ended: its last line is written though it has no newline. */
  end(stream: "stdout" | "stderr"): void {
    this.#guarded(() => this.#formatters[stream].end(rfc3339Nano(this.#clock.now()), this.#sink));
  }

  /** Resolves at the next write, rotation or close. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** The process has ended and so has its output. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.end("stdout");
    this.end("stderr");
    this.#unfinished.discard();
    await this.#release();
  }

  /** The daemon leaves while the process runs on: unfinished lines stay remembered for the next one. */
  async suspend(): Promise<void> {
    if (this.#closed) return;
    this.#unfinished.close();
    await this.#release();
  }

  async #release(): Promise<void> {
    this.#closed = true;
    this.#notify();
    await this.#file.close();
  }

  /** A full disk must not take the daemon or the container along: entries are lost until there is room again. */
  #guarded(write: () => void): void {
    if (this.#closed) return;
    try {
      write();
      this.#flush();
      this.#unfinished.save(
        { inode: this.#file.inode, size: this.#file.size },
        { stdout: this.#formatters.stdout.pending, stderr: this.#formatters.stderr.pending },
      );
      this.#losing = false;
    } catch (error) {
      this.#filled = 0;
      if (!this.#losing) this.#onLost(error);
      this.#losing = true;
      this.#repair();
    }
    this.#notify();
  }

  #repair(): void {
    try {
      this.#file.repair();
    } catch {
      // A file system that cannot even truncate: the next successful open cuts the torn entry.
    }
  }

  #append(entries: string, ascii: boolean): void {
    if (this.#file.roomBytes - this.#filled <= 0) {
      this.#flush();
      this.#file.rotate();
    }
    const size = ascii ? entries.length : Buffer.byteLength(entries);
    if (this.#filled + size > this.#buffer.length) {
      this.#flush();
      if (size > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(size);
    }
    this.#filled += this.#buffer.write(entries, this.#filled, ascii ? "latin1" : "utf8");
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
