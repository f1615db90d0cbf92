import { deadlineExceeded, EngineError, internal } from "@pouchcontainer/errors";
import type { StartedProgram } from "@pouchcontainer/owners";

interface Batch {
  commands: string[];
  /** Number of its first line, counted from the start of the process. */
  first: number;
  tolerate: RegExp | undefined;
  failures: { command: string; message: string }[];
  late: NodeJS.Timeout | undefined;
  resolve: () => void;
  reject: (error: EngineError) => void;
}

/** A word of a batch that may hold blanks, as paths do; iproute2 knows quotes but no way to escape one. */
export function batchWord(text: string): string {
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

/** What the kernel does in a moment; a program that has not answered by then never will. */
export const answerMs = 30_000;

/** A line no version of ip knows: its complaint marks the end of a batch. */
const endMark = "end-of-batch";

/**
 * Namespaces that one process may hold: ip keeps each open that a batch has named, and the kernel what is in it, also when the
 * container has gone.
 */
const mostNamespaces = 32;
/** After which a process of which nothing is asked is let go. */
const idleMs = 1000;

/**
 * One `ip -force -batch -` that lives as long as it is needed: a change costs 0.4 ms instead of the 3 ms of a process. It dies of
 * some commands (one that names a bridge there is not): the batch it was at fails, those after it go to another. It remembers
 * namespaces, and devices by names that may be others' by now: it is let go after a failure, and when it rests.
 */
export class IpShell {
  readonly #start: () => StartedProgram;
  readonly #answerMs: number;
  readonly #idleMs: number;
  #process: IpProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `start` runs `ip -force -batch -` with three pipes, in the namespace the changes are for. */
  constructor(start: () => StartedProgram, options: { answerMs?: number; idleMs?: number } = {}) {
    this.#start = start;
    this.#answerMs = options.answerMs ?? answerMs;
    this.#idleMs = options.idleMs ?? idleMs;
  }

  /**
   * Carries the commands out in order and rejects with the first failure; those after a failure are carried out too.
   * Failures whose text matches `tolerate` do not count.
   */
  async run(commands: string[], options: { tolerate?: RegExp } = {}): Promise<void> {
    if (commands.length === 0) return;
    clearTimeout(this.#idle);
    const running = this.#running();
    try {
      await running.run(commands, options.tolerate);
    } catch (error) {
      if (running === this.#process) this.forget();
      throw error;
    }
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.forget(), this.#idleMs).unref();
  }

  /**
   * Lets the process go, with what it remembers; it carries out what it has. Before a batch that names devices others may have made
   * since: ip would take the one it knew by that name. After one whose namespace is not to be held.
   */
  forget(): void {
    clearTimeout(this.#idle);
    this.#process?.leave();
    this.#process = undefined;
  }

  close(): void {
    this.forget();
  }

  #running(): IpProcess {
    if (this.#process && this.#process.holds >= mostNamespaces) this.forget();
    return (this.#process ??= new IpProcess(this.#start(), this.#answerMs, (ended, waiting) => {
      if (this.#process === ended) this.#process = undefined;
      for (const batch of waiting) this.#running().take(batch);
    }));
  }
}

/** ip numbers the lines it could not carry out, which is how a failure finds its command. */
class IpProcess {
  readonly #child: StartedProgram;
  readonly #answerMs: number;
  readonly #ended: (process: IpProcess, waiting: Batch[]) => void;
  #lines = 0;
  #errors = "";
  #batches: Batch[] = [];
  /** Namespaces it holds open. */
  holds = 0;

  constructor(child: StartedProgram, answerMs: number, ended: (process: IpProcess, waiting: Batch[]) => void) {
    this.#child = child;
    this.#answerMs = answerMs;
    this.#ended = ended;
    child.stdout.resume();
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.closed.then(
      ({ status }) => this.#died(internal(`ip ended unexpectedly (status ${status}): ${this.#errors.trim()}`)),
      (error: unknown) => this.#lost(EngineError.from(error)),
    );
  }

  run(commands: string[], tolerate: RegExp | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.take({ commands, first: 0, tolerate, failures: [], late: undefined, resolve, reject });
    });
  }

  take(batch: Batch): void {
    const { commands } = batch;
    this.holds += commands.filter((command) => / netns /.test(command)).length;
    batch.first = this.#lines + 1;
    this.#lines += commands.length + 1;
    clearTimeout(batch.late);
    batch.late = setTimeout(() => {
      this.#lost(deadlineExceeded(`ip did not answer within ${this.#answerMs / 1000} s and was killed`));
      this.#child.abandon();
    }, this.#answerMs);
    this.#batches.push(batch);
    this.#child.stdin.write(`${commands.join("\n")}\n${endMark}\n`);
  }

  leave(): void {
    this.#child.stdin.end();
  }

  #read(text: string): void {
    this.#errors += text;
    for (let match; (match = /Command failed -:(\d+)\n/.exec(this.#errors));) {
      const message = this.#errors.slice(0, match.index).trim();
      this.#errors = this.#errors.slice(match.index + match[0].length);
      this.#settle(Number(match[1]), message);
    }
  }

  #settle(line: number, message: string): void {
    const batch = this.#batches[0];
    if (!batch) return;
    const command = batch.commands[line - batch.first];
    if (command !== undefined) {
      if (!batch.tolerate?.test(message)) batch.failures.push({ command, message });
      return;
    }
    this.#batches.shift();
    clearTimeout(batch.late);
    const failure = batch.failures[0];
    if (failure) batch.reject(internal(`ip ${failure.command}: ${failure.message}`, { details: { ...failure } }));
    else batch.resolve();
  }

  /** It was at the first batch; of those after it, it has done nothing. */
  #died(error: EngineError): void {
    const [at, ...waiting] = this.#batches;
    this.#batches = [];
    clearTimeout(at?.late);
    at?.reject(error);
    this.#ended(this, waiting);
  }

  #lost(error: EngineError): void {
    const lost = this.#batches;
    this.#batches = [];
    this.#ended(this, []);
    for (const { late, reject } of lost) {
      clearTimeout(late);
      reject(error);
    }
  }
}
