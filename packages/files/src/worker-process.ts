import { EngineError, internal } from "@pouchcontainer/errors";
import { startProgram, type StartedProgram } from "@pouchcontainer/owners";
import type { Readable, Writable } from "node:stream";
import type { FileJob, FileMessage } from "./file-jobs.ts";
import { ProcessGone } from "./process-gone.ts";

/** Descriptor of the channel in the worker, beside the standard streams. */
export const channelDescriptor = 3;

const keptErrorBytes = 4096;

/** Of one message: what a container decides the size of travels as content. */
const maxMessageLength = 16 << 20;

/** A file worker as the daemon sees it: it takes one job and ends. Nobody waits for it in vain: its end, whatever it died of, settles all. */
export class WorkerProcess {
  /** Resolves when the process takes its job, or never will. */
  readonly up: Promise<void>;
  /** Resolves when the process is gone, and with it every mount it made. */
  readonly ended: Promise<void>;
  /** What the job tells before its content. */
  readonly head: Promise<unknown>;
  /** What the job tells when it is done. */
  readonly answer: Promise<unknown>;
  readonly #program: StartedProgram;
  readonly #settle: {
    up: () => void;
    head: (value: unknown) => void;
    answer: (value: unknown) => void;
    fail: (error: Error) => void;
  };
  #hasEnded = false;
  #said = "";

  constructor({ command, args }: { command: string; args: readonly string[] }) {
    const [head, answer] = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
    const up = Promise.withResolvers<void>();
    this.up = up.promise;
    this.head = head.promise;
    this.answer = answer.promise;
    // A job without content has no head anybody waits for, and a spare worker no job.
    for (const promise of [this.head, this.answer]) promise.catch(() => undefined);
    this.#settle = {
      up: up.resolve,
      head: head.resolve,
      answer: answer.resolve,
      fail: (error) => {
        head.reject(error);
        answer.reject(error);
      },
    };
    this.#program = startProgram(command, args, { stdio: ["pipe", "pipe", "pipe", "pipe"] });
    this.#program.stderr.on("data", (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-keptErrorBytes)));
    this.#listen();
    this.ended = this.#end();
  }

  get stdin(): Writable {
    return this.#program.stdin;
  }

  get stdout(): Readable {
    return this.#program.stdout;
  }

  get pid(): number | undefined {
    return this.#program.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  give(job: FileJob): void {
    this.#program.pipeAt(channelDescriptor)?.write(`${JSON.stringify(job)}\n`);
  }

  /** Breaks its work off. */
  kill(): void {
    this.#program.abandon();
  }

  async #end(): Promise<void> {
    try {
      const { status, signal } = await this.#program.exited;
      // Its last message may still be in the channel.
      if (status === 0) await this.#program.closed;
      this.#settle.fail(cutShort(signal === null ? `exit status ${status}` : `killed by ${signal}`, this.#said));
    } catch (cause) {
      this.#settle.fail(EngineError.from(cause));
    } finally {
      this.#hasEnded = true;
      this.#settle.up();
    }
  }

  #listen(): void {
    let pending: string[] = [];
    let length = 0;
    const channel = this.#program.pipeAt(channelDescriptor)?.setEncoding("utf8");
    channel?.on("data", (text: string) => {
      const [rest = "", ...lines] = text.split("\n");
      pending.push(rest);
      length += rest.length;
      for (const next of lines) {
        // The worker is the other side of the same build: what it sends is a message.
        this.#hear(JSON.parse(pending.join("")) as FileMessage);
        pending = [next];
        length = next.length;
      }
      if (length <= maxMessageLength) return;
      channel.destroy();
      this.#settle.fail(internal(`a worker on a container's files sent a message of more than ${maxMessageLength} characters`));
      this.kill();
    });
  }

  #hear(message: FileMessage): void {
    if ("up" in message) this.#settle.up();
    else if ("head" in message) this.#settle.head(message.head);
    else if ("failure" in message) {
      const { kind, message: text, stack } = message.failure;
      const failure = kind === "gone" ? new ProcessGone(text) : new EngineError(kind, text);
      if (stack !== undefined) failure.stack = stack;
      this.#settle.fail(failure);
    }
    // JSON has no undefined: the answer of a job that has none is an empty message.
    else this.#settle.answer(message.answer);
  }
}

function cutShort(how: string, said: string): EngineError {
  return internal(`work on a container's files was cut short: ${[how, said.trim()].filter((text) => text !== "").join(": ")}`);
}
