import { cancelled, EngineError, internal } from "@pouchcontainer/errors";
import { startProgram, type StartedProgram } from "@pouchcontainer/owners";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { beginningBytes, compressionOf, type Compression } from "./compression.ts";
import { decompressionPrograms } from "./decompression-programs.ts";
import type { WorkerProcess } from "./worker-process.ts";

const programs: Partial<Record<Compression, { program: string; packageName: string }>> = decompressionPrograms;

/**
 * Feeds an archive to a worker: a plain one as it is, a compressed one through a process that writes straight into the worker.
 * The archive was whole only if that process says so by its exit status.
 */
export class ArchiveInput {
  readonly #own: { command: string; args: readonly string[] };
  readonly #worker: WorkerProcess;
  #decompressor: StartedProgram | undefined;

  /** `own` runs this executable as a decompressor of the format that is one more argument. */
  constructor(own: { command: string; args: readonly string[] }, worker: WorkerProcess) {
    this.#own = own;
    this.#worker = worker;
  }

  /**
   * Resolves when all was handed over and was whole, or the worker takes no more. Rejects when the source breaks off, which is
   * left as it is otherwise.
   */
  async feed(source: Readable): Promise<void> {
    try {
      await this.#feed(source.iterator({ destroyOnReturn: false }));
    } catch (cause) {
      throw cause instanceof EngineError ? cause : cancelled("the archive broke off", { cause });
    }
    if (this.#decompressor === undefined) return;
    const { status } = await this.#decompressor.exited;
    if (status !== 0) throw internal("Error processing tar file(exit status 1): unexpected EOF");
  }

  /** Resolves when no process of it is left. */
  async close(): Promise<void> {
    this.#decompressor?.abandon();
    await this.#decompressor?.exited.catch(() => undefined);
  }

  async #feed(chunks: AsyncIterator<Buffer>): Promise<void> {
    const head = await beginning(chunks);
    const compression = compressionOf(head);
    const sink = compression === undefined ? this.#worker.stdin : await this.#through(compression);
    const over = new AbortController();
    const stop = (): void => over.abort();
    sink.once("close", stop);
    try {
      for (let chunk = head, more = true; more;) {
        if (!(await hasRoomAfter(sink, chunk, over.signal))) return;
        const next = await chunks.next();
        more = next.done !== true;
        if (!next.done) chunk = next.value;
      }
      sink.end();
    } finally {
      sink.off("close", stop);
    }
  }

  async #through(compression: Compression): Promise<Writable> {
    const known = programs[compression];
    const input = this.#worker.stdin;
    const decompressor = startProgram(known?.program ?? this.#own.command, known ? ["-dc"] : [...this.#own.args, compression], {
      stdio: ["pipe", input, "ignore"],
      ...(known && { packageName: known.packageName }),
    });
    this.#decompressor = decompressor;
    // The program has it now: the worker's input ends with the program.
    input.destroy();
    await decompressor.started;
    return decompressor.stdin;
  }
}

async function beginning(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  const read: Buffer[] = [];
  for (let length = 0; length < beginningBytes;) {
    const next = await chunks.next();
    if (next.done) break;
    read.push(next.value);
    length += next.value.length;
  }
  return Buffer.concat(read);
}

/** Writes and waits until there is room for more; false when the other side is gone: why, its process says. */
async function hasRoomAfter(sink: Writable, chunk: Buffer, over: AbortSignal): Promise<boolean> {
  if (over.aborted || sink.destroyed) return false;
  if (chunk.length === 0 || sink.write(chunk)) return true;
  return once(sink, "drain", { signal: over }).then(
    () => true,
    () => false,
  );
}
