import { deadlineExceeded } from "@pouchcontainer/errors";

/** As much of a line of progress as counts here. */
interface ProgressLine {
  id?: string;
  status?: string;
}

/** Aborts a pull of which nothing was heard for a time. Unpacking a layer is silent, however long it takes: it has limits of its own. */
export class ProgressDeadline implements Disposable {
  readonly #abort = new AbortController();
  readonly #reference: string;
  readonly #timeoutMs: number;
  readonly #unpacking = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(reference: string, timeoutMs: number) {
    this.#reference = reference;
    this.#timeoutMs = timeoutMs;
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  tell({ id = "", status = "" }: ProgressLine): void {
    if (status === "Extracting") this.#unpacking.add(id);
    else this.#unpacking.delete(id);
    this.#arm();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#unpacking.size > 0 || this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => {
      const seconds = this.#timeoutMs / 1000;
      this.#abort.abort(deadlineExceeded(`pulling ${this.#reference} made no progress for ${seconds} s`));
    }, this.#timeoutMs);
  }
}
