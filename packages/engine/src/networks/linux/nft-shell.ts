import { deadlineExceeded, EngineError, internal } from "@pouchcontainer/errors";
import { lastWords, programOutcome, startProgram, type StartedProgram } from "@pouchcontainer/owners";
import { answerMs } from "./ip-shell.ts";

const packageName = "nftables";

interface Command {
  mark: string;
  listing: boolean;
  resolve: (output: string) => void;
  reject: (error: EngineError) => void;
}

/**
 * One `nft -t -i` that lives as long as the daemon: a change of a set element costs 0.2 ms instead of the 5 ms of a process.
 * Every line is one transaction. The complaint about a table nobody has marks the end of each.
 */
export class NftShell {
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;
  #process: StartedProgram | undefined;
  #errors = "";
  #output = "";
  #count = 0;
  #commands: Command[] = [];
  #last: Promise<unknown> = Promise.resolve();

  readonly #answerMs: number;

  constructor(options: { program?: string; env: NodeJS.ProcessEnv; answerMs?: number }) {
    this.#program = options.program ?? "nft";
    this.#answerMs = options.answerMs ?? answerMs;
    this.#env = options.env;
  }

  /** Carries one line out, all of it or nothing. */
  async run(line: string): Promise<void> {
    await this.#queue(line, false);
  }

  /** The rules of a table as nft prints them, without elements of sets; undefined when there is no such table. */
  async list(table: string): Promise<string | undefined> {
    try {
      return await this.#queue(`list table inet ${table}`, true);
    } catch (error) {
      if (error instanceof Error && /No such file or directory/.test(error.message)) return undefined;
      throw error;
    }
  }

  /** Carries out a whole document in one transaction, in a process of its own. */
  async load(document: string): Promise<void> {
    const outcome = await programOutcome(this.#program, ["-f", "-"], { env: this.#env, input: document, packageName });
    if (outcome.status !== 0) throw internal(`nft refused the rules: ${lastWords(outcome)}`);
  }

  close(): void {
    this.#process?.stdin.end();
    this.#process = undefined;
  }

  #queue(line: string, listing: boolean): Promise<string> {
    const run = (): Promise<string> => {
      const child = this.#running();
      const answered = new Promise<string>((resolve, reject) => {
        const mark = `end_of_command_${++this.#count}`;
        this.#commands.push({ mark, listing, resolve, reject });
        child.stdin.write(`${line}\nlist table inet ${mark}\n`);
      });
      const late = setTimeout(() => {
        this.#lost(child, deadlineExceeded(`nft did not answer within ${this.#answerMs / 1000} s and was killed`));
        child.abandon();
      }, this.#answerMs);
      return answered.finally(() => clearTimeout(late));
    };
    const result = this.#last.then(run, run);
    this.#last = result;
    return result;
  }

  #running(): StartedProgram {
    if (this.#process) return this.#process;
    const child = startProgram(this.#program, ["-t", "-i"], { env: this.#env, packageName, neededForStop: true });
    this.#process = child;
    this.#errors = "";
    this.#output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
      this.#settle();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
      this.#settle();
    });
    child.closed.then(
      ({ status }) => this.#lost(child, internal(`nft ended unexpectedly (status ${status}): ${this.#errors.trim()}`)),
      (error: unknown) => this.#lost(child, EngineError.from(error)),
    );
    return child;
  }

  #settle(): void {
    const command = this.#commands[0];
    if (!command) return;
    // nft prints `Error: …`, the line itself, and a row of carets below the place.
    const end = new RegExp(`Error: [^\\n]*\\nlist table inet ${command.mark}\\n[ ^~]*\\^\\n`).exec(this.#errors);
    if (!end) return;
    const errors = this.#errors.slice(0, end.index).trim();
    if (command.listing && errors === "" && !/^}\n/m.test(this.#output)) return;
    this.#commands.shift();
    this.#errors = this.#errors.slice(end.index + end[0].length);
    const output = this.#output;
    this.#output = "";
    if (errors === "") command.resolve(output);
    else command.reject(internal(`nft: ${errors}`));
  }

  #lost(child: StartedProgram, error: EngineError): void {
    if (this.#process === child) this.#process = undefined;
    else if (this.#commands.length > 0 && this.#process) return;
    const lost = this.#commands;
    this.#commands = [];
    for (const command of lost) command.reject(error);
  }
}
