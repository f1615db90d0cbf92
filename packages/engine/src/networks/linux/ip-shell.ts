import { deadlineExceeded, EngineError, internal } from "@pouchcontainer/errors";
import type { StartedProgram } from "@pouchcontainer/owners";

interface Batch {
  commands: string[];
  /** Number of its first line, counted from the start of the process. */
  first: number;
  tolerate: RegExp | undefined;
  failures: { command: string; message: string }[];
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
 * One `ip -force -batch -` that lives as long as it is needed: a change costs 0.4 ms instead of the 3 ms of a process.
 * ip numbers the lines it could not carry out, which is how a failure finds its command. When the process dies the batches
 * in flight fail and the next one starts another.
 */
export class IpShell {
  readonly #start: () => StartedProgram;
  #process: StartedProgram | undefined;
  #lines = 0;
  #errors = "";
  #batches: Batch[] = [];

  readonly #answerMs: number;

  /** `start` runs `ip -force -batch -` with three pipes, in the namespace the changes are for. */
  constructor(start: () => StartedProgram, options: { answerMs?: number } = {}) {
    this.#start = start;
    this.#answerMs = options.answerMs ?? answerMs;
  }

  /** Starts the process ahead of the first batch, so that its start-up overlaps with other work. */
  warm(): void {
    this.#running();
  }

  /**
   * Carries the commands out in order and rejects with the first failure; those after a failure are carried out too.
   * Failures whose text matches `tolerate` do not count.
   */
  run(commands: string[], options: { tolerate?: RegExp } = {}): Promise<void> {
    if (commands.length === 0) return Promise.resolve();
    const child = this.#running();
    const answered = new Promise<void>((resolve, reject) => {
      this.#batches.push({ commands, first: this.#lines + 1, tolerate: options.tolerate, failures: [], resolve, reject });
      this.#lines += commands.length + 1;
      child.stdin.write(`${commands.join("\n")}\n${endMark}\n`);
    });
    const late = setTimeout(() => {
      this.#lost(child, deadlineExceeded(`ip did not answer within ${this.#answerMs / 1000} s and was killed`));
      child.abandon();
    }, this.#answerMs);
    return answered.finally(() => clearTimeout(late));
  }

  close(): void {
    this.#process?.stdin.end();
    this.#process = undefined;
  }

  #running(): StartedProgram {
    if (this.#process) return this.#process;
    const child = this.#start();
    this.#process = child;
    this.#lines = 0;
    this.#errors = "";
    child.stdout.resume();
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    child.closed.then(
      ({ status }) => this.#lost(child, internal(`ip ended unexpectedly (status ${status}): ${this.#errors.trim()}`)),
      (error: unknown) => this.#lost(child, EngineError.from(error)),
    );
    return child;
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
    const failure = batch.failures[0];
    if (failure) batch.reject(internal(`ip ${failure.command}: ${failure.message}`, { details: { ...failure } }));
    else batch.resolve();
  }

  #lost(child: StartedProgram, error: EngineError): void {
    if (this.#process === child) this.#process = undefined;
    else if (this.#batches.length > 0 && this.#process) return;
    const lost = this.#batches;
    this.#batches = [];
    for (const batch of lost) batch.reject(error);
  }
}
