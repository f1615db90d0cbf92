import type { JsonMessage } from "@pouchcontainer/api";
import { shortId } from "@pouchcontainer/oci";
import { progressBar } from "./progress-bar.ts";

/** Takes progress lines, exactly as Docker's JSON stream has them. Must not throw. */
export type ProgressSink = (line: JsonMessage) => void;

/** How often one layer may say how far it is. */
const intervalMs = 100;

/** Docker's lines about one layer, or about what has no name. Lines that only count are thinned out; a new state is always told. */
export class LayerProgress {
  readonly #id: { id?: string };
  readonly #sink: ProgressSink;
  readonly #now: () => number;
  #lastCount = Number.NEGATIVE_INFINITY;
  #counted = "";

  constructor(options: { digest?: string; sink: ProgressSink; now: () => number }) {
    this.#id = options.digest === undefined ? {} : { id: shortId(options.digest) };
    this.#sink = options.sink;
    this.#now = options.now;
  }

  /** `Pulling fs layer`, `Waiting`, `Already exists`… */
  state(status: string): void {
    this.#sink({ status, progressDetail: {}, ...this.#id });
  }

  /** `Downloading`, `Extracting`, `Loading layer`, with a number; a `total` of 0 is not known. */
  count(status: string, current: number, total: number): void {
    const now = this.#now();
    if (status === this.#counted && (current < total || total === 0) && now - this.#lastCount < intervalMs) return;
    this.#counted = status;
    this.#lastCount = now;
    const progressDetail = { current, ...(total > 0 && { total }) };
    this.#sink({ status, progressDetail, progress: progressBar(current, total), ...this.#id });
  }
}
