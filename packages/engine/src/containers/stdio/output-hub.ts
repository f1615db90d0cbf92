import { setTimeout as delay } from "node:timers/promises";
import type { OutputChunk } from "./output-chunk.ts";
import { SpillFile } from "./spill-file.ts";

/** Output a client may lag behind in memory, and then on disk; only beyond both does its process wait for it. */
export interface OutputLimits {
  memoryBytes: number;
  diskBytes: number;
}

export const defaultOutputLimits: OutputLimits = { memoryBytes: 1 << 20, diskBytes: 256 << 20 };

/** Hands a process's output to everyone attached, each at its own pace. */
export class OutputHub {
  readonly #directory: string;
  readonly #limits: OutputLimits;
  /** Called when `publish` answered false and may go on. */
  onRoom: () => void = () => undefined;
  readonly #taps = new Set<OutputTap>();
  #ended = false;

  /** `directory` takes what does not fit in memory. */
  constructor(options: { directory: string; limits?: OutputLimits }) {
    this.#directory = options.directory;
    this.#limits = options.limits ?? defaultOutputLimits;
  }

  get tapCount(): number {
    return this.#taps.size;
  }

  attach(streams: { stdout: boolean; stderr: boolean }): OutputTap {
    const tap = new OutputTap(streams, this.#directory, this.#limits, {
      room: () => {
        if (![...this.#taps].some((other) => other.full)) this.onRoom();
      },
      closed: () => {
        this.#taps.delete(tap);
        this.onRoom();
      },
    });
    if (this.#ended) tap.end();
    else this.#taps.add(tap);
    return tap;
  }

  /** The chunk's memory is the caller's again afterwards. False asks the caller to pause until `onRoom`. */
  publish(stream: "stdout" | "stderr", chunk: Buffer): boolean {
    if (this.#taps.size === 0) return true;
    let copy: Buffer | undefined;
    let room = true;
    for (const tap of this.#taps) {
      if (!tap.wants(stream)) continue;
      copy ??= Buffer.from(chunk);
      tap.push({ stream, data: copy });
      if (tap.full) room = false;
    }
    return room;
  }

  /**
   * Resolves when all that was published was taken, and read by the clients it went to; at the latest after `patienceMs`. A
   * client with several connections takes what came on them in any order, unless one was read before the other got anything.
   */
  async taken(patienceMs: number): Promise<void> {
    const late = performance.now() + patienceMs;
    while ([...this.#taps].some((tap) => !tap.taken) && performance.now() < late) await delay(1);
  }

  /** No more output: everyone attached gets what is left, then the end. */
  end(): void {
    this.#ended = true;
    for (const tap of this.#taps) tap.end();
    this.#taps.clear();
  }
}

/** One client's view of the output, in order. */
export class OutputTap implements AsyncIterable<OutputChunk> {
  readonly #streams: { stdout: boolean; stderr: boolean };
  readonly #directory: string;
  readonly #limits: OutputLimits;
  readonly #tell: { room: () => void; closed: () => void };
  readonly #queue: OutputChunk[] = [];
  #queuedBytes = 0;
  #spill: SpillFile | undefined;
  /** What found no room on disk, in memory after what is there. */
  readonly #behind: OutputChunk[] = [];
  #full = false;
  #ended = false;
  #closed = false;
  #wake: (() => void) | undefined;
  /** Whether the client has read what was taken for it. */
  hasRead: () => boolean = () => true;

  constructor(
    streams: { stdout: boolean; stderr: boolean },
    directory: string,
    limits: OutputLimits,
    tell: { room: () => void; closed: () => void },
  ) {
    this.#streams = streams;
    this.#directory = directory;
    this.#limits = limits;
    this.#tell = tell;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Whether nothing is left to take, and the client has read it all. */
  get taken(): boolean {
    return this.#wake !== undefined && this.#queuedBytes === 0 && this.#spilledBytes === 0 && this.hasRead();
  }

  wants(stream: "stdout" | "stderr"): boolean {
    return this.#streams[stream];
  }

  push(chunk: OutputChunk): void {
    if (this.#closed) return;
    if (
      this.#spilledBytes === 0 &&
      this.#behind.length === 0 &&
      this.#queuedBytes + chunk.data.length <= this.#limits.memoryBytes
    ) {
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.data.length;
    } else {
      this.#spillOut(chunk);
    }
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.length = 0;
    this.#behind.length = 0;
    this.#spill?.close();
    this.#spill = undefined;
    this.#full = false;
    this.#tell.closed();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#take();
        if (chunk) yield chunk;
        else if (this.#ended || this.#closed) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve)).then(() => (this.#wake = undefined));
      }
    } finally {
      this.close();
    }
  }

  get #spilledBytes(): number {
    return this.#spill?.waitingBytes ?? 0;
  }

  #spillOut(chunk: OutputChunk): void {
    if (this.#behind.length > 0) return this.#keepBehind(chunk);
    try {
      this.#spill ??= new SpillFile(this.#directory);
      this.#spill.push(chunk);
      if (this.#spill.waitingBytes >= this.#limits.diskBytes) this.#full = true;
    } catch {
      this.#keepBehind(chunk);
    }
  }

  /** No room on disk either: the process waits until the client has read all that is there. */
  #keepBehind(chunk: OutputChunk): void {
    this.#behind.push(chunk);
    this.#queuedBytes += chunk.data.length;
    this.#full = true;
  }

  #take(): OutputChunk | undefined {
    const spilled = this.#queue.length === 0 ? this.#spill?.shift() : undefined;
    const kept = spilled ? undefined : (this.#queue.shift() ?? this.#behind.shift());
    if (kept) this.#queuedBytes -= kept.data.length;
    if (this.#full && this.#queue.length === 0 && this.#behind.length === 0 && this.#spilledBytes < this.#limits.diskBytes / 2) {
      this.#full = false;
      this.#tell.room();
    }
    return spilled ?? kept;
  }
}
