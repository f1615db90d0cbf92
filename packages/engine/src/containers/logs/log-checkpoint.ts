import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

type PerStream<T> = Record<"stdout" | "stderr", T>;

/** A log file's identity and how much of it counts. */
export interface LogPosition {
  inode: number;
  size: number;
}

/** What a log was made of at one moment: with it, the next daemon goes on as if the last one had not been killed. */
export interface Checkpoint extends LogPosition {
  /** Beginnings of lines that are not in the log yet. */
  pending: PerStream<Buffer>;
  /** How far the streams' journals are used; absent for output without journals. */
  positions?: PerStream<number>;
  /** Entries of the chunk after `positions` that went into files which were put aside meanwhile. */
  aside: PerStream<number>;
  /** Whether it was written since the machine was started: only then the files are what the daemon left. */
  sameBoot: boolean;
}

type Saved = LogPosition & {
  sequence: number;
  boot: string;
  stdout: string;
  stderr: string;
  positions?: PerStream<number>;
  aside?: PerStream<number>;
};

/** More than any checkpoint takes: two unfinished lines of at most 16 KiB, in base64. */
const slotBytes = 64 * 1024;

/**
 * Keeps the newest checkpoint of a log in a file of its own. Written to two places in turn, each with a checksum: a write cut
 * short by SIGKILL leaves the one before.
 */
export class LogCheckpoint {
  readonly #path: string;
  readonly #boot: string;
  #fd: number | undefined;
  #sequence = 0;

  /** `boot` is another one after each start of the machine. */
  constructor(path: string, boot: string) {
    this.#path = path;
    this.#boot = boot;
  }

  get exists(): boolean {
    return this.#sequence > 0;
  }

  save({ inode, size, pending, positions, aside }: Omit<Checkpoint, "sameBoot">): void {
    this.#fd ??= openSync(this.#path, this.#sequence === 0 ? "w" : "r+", 0o640);
    const saved: Saved = {
      sequence: ++this.#sequence,
      boot: this.#boot,
      inode,
      size,
      stdout: pending.stdout.toString("base64"),
      stderr: pending.stderr.toString("base64"),
      ...(positions ? { positions } : {}),
      ...(aside.stdout > 0 || aside.stderr > 0 ? { aside } : {}),
    };
    const json = JSON.stringify(saved);
    writeSync(this.#fd, `${crc32(json)} ${json}\n`, (this.#sequence % 2) * slotBytes);
  }

  /** The newest one that is whole; later ones follow it. */
  load(): Checkpoint | undefined {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#path);
    } catch {
      return undefined;
    }
    const slots = [parse(bytes.subarray(0, slotBytes)), parse(bytes.subarray(slotBytes))].filter((slot) => slot !== undefined);
    const saved = slots.toSorted((a, b) => b.sequence - a.sequence)[0];
    if (!saved) return undefined;
    this.#sequence = saved.sequence;
    return {
      inode: saved.inode,
      size: saved.size,
      pending: { stdout: Buffer.from(saved.stdout, "base64"), stderr: Buffer.from(saved.stderr, "base64") },
      ...(saved.positions ? { positions: saved.positions } : {}),
      aside: saved.aside ?? { stdout: 0, stderr: 0 },
      sameBoot: saved.boot === this.#boot,
    };
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** The log is complete: nothing is left to remember. */
  discard(): void {
    this.close();
    this.#sequence = 0;
    rmSync(this.#path, { force: true });
  }
}

function parse(slot: Buffer): Saved | undefined {
  const text = slot.toString("latin1", 0, slot.indexOf("\n"));
  const space = text.indexOf(" ");
  const json = text.slice(space + 1);
  if (space === -1 || Number(text.slice(0, space)) !== crc32(json)) return undefined;
  // The checksum says that `save` wrote it.
  return JSON.parse(json) as Saved;
}
