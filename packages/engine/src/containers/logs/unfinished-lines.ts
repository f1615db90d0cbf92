import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";

export interface Unfinished {
  stdout: Buffer;
  stderr: Buffer;
}

/** Which state of the log the unfinished lines follow: with any other they are already in it. */
export interface LogPosition {
  inode: number;
  size: number;
}

/**
 * Keeps the beginnings of lines that are not in the log yet, so that a daemon killed with SIGKILL loses none. One line of
 * JSON, overwritten in place; what follows the newline is left over from a longer one.
 */
export class UnfinishedLines {
  readonly #path: string;
  #fd: number | undefined;
  #empty = true;

  constructor(logPath: string) {
    this.#path = `${logPath}.unfinished`;
  }

  save(position: LogPosition, lines: Unfinished): void {
    const empty = lines.stdout.length === 0 && lines.stderr.length === 0;
    if (empty && this.#empty) return;
    this.#fd ??= openSync(this.#path, "w", 0o640);
    const value = { ...position, stdout: lines.stdout.toString("base64"), stderr: lines.stderr.toString("base64") };
    writeSync(this.#fd, `${JSON.stringify(value)}\n`, 0);
    this.#empty = empty;
  }

  /** What was unfinished when the log was left at that position. */
  load(position: LogPosition): Unfinished | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch {
      return undefined;
    }
    const end = text.indexOf("\n");
    if (end === -1) return undefined;
    try {
      // Written by `save` alone; a torn file fails to parse.
      const value = JSON.parse(text.slice(0, end)) as LogPosition & { stdout: string; stderr: string };
      if (value.inode !== position.inode || value.size !== position.size) return undefined;
      this.#empty = false;
      return { stdout: Buffer.from(value.stdout, "base64"), stderr: Buffer.from(value.stderr, "base64") };
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** The log is complete: nothing is left to remember. */
  discard(): void {
    this.close();
    rmSync(this.#path, { force: true });
  }
}
