import { PassThrough } from "node:stream";
import type { OutputChunk, StdioSession } from "../backend.ts";

/** A process to attach to whose output the test writes and whose input it reads. */
export class FakeSession implements StdioSession {
  readonly tty: boolean;
  readonly input: PassThrough;
  readonly output: AsyncIterable<OutputChunk>;
  closed = false;
  /** What the server told when it began to serve. */
  hasRead = (): boolean => false;
  readonly #chunks: OutputChunk[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #closeListener: (() => void) | undefined;
  /** Number of chunks the server took. */
  taken = 0;

  constructor(options: { tty?: boolean; inputBytes?: number } = {}) {
    this.tty = options.tty ?? false;
    this.input = new PassThrough({ highWaterMark: options.inputBytes ?? 16384 });
    this.output = this.#read();
  }

  write(text: string | Buffer, stream: OutputChunk["stream"] = "stdout"): void {
    this.#chunks.push({ stream, data: Buffer.from(text) });
    this.#wake?.();
  }

  end(failure?: Error): void {
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  served(client: { hasRead: () => boolean }): void {
    ({ hasRead: this.hasRead } = client);
  }

  close(): void {
    this.closed = true;
    this.#closeListener?.();
    this.end();
  }

  untilClosed(): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closeListener = resolve;
    });
  }

  async *#read(): AsyncGenerator<OutputChunk> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.taken += 1;
        yield chunk;
      } else if (this.#ended) {
        if (this.#failure) throw this.#failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
