import { jsonBytes } from "./json-bytes.ts";
import type { TraceEntry } from "./trace-entry.ts";

/** Calls kept per container, and bytes of JSON of them. */
const maxCalls = 64;
const maxBytes = 256 * 1024;
/** The first ones, of its create, stay. */
const firstCalls = maxCalls / 2;

/** Calls of one container: the first ones and the last ones, and how many are left out between them. */
export class KeptCalls {
  readonly #first: TraceEntry[] = [];
  readonly #last: TraceEntry[] = [];
  #leftOut = 0;
  #bytes = 0;
  #hasFirst = false;

  /** Of JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Oldest first. The first after a gap says how many are not there. */
  get entries(): readonly TraceEntry[] {
    const [next, ...rest] = this.#last;
    if (this.#leftOut === 0 || next === undefined) return [...this.#first, ...this.#last];
    return [...this.#first, { ...next, leftOut: this.#leftOut + (next.leftOut ?? 0) }, ...rest];
  }

  has(entry: TraceEntry): boolean {
    return this.#first.includes(entry) || this.#last.includes(entry);
  }

  add(entry: TraceEntry): void {
    const bytes = jsonBytes(entry);
    this.#hasFirst ||= this.#first.length >= firstCalls || this.#bytes + bytes > maxBytes / 2;
    (this.#hasFirst ? this.#last : this.#first).push(entry);
    this.#bytes += bytes;
    while (this.#last.length > 1 && (this.#last.length > maxCalls - firstCalls || this.#bytes > maxBytes)) {
      const gone = this.#last.shift();
      this.#leftOut += 1 + (gone?.leftOut ?? 0);
      this.#bytes -= jsonBytes(gone);
    }
  }
}

/** As many of these calls as are kept in a container's record. */
export function keptCalls(calls: readonly TraceEntry[]): TraceEntry[] {
  const kept = new KeptCalls();
  for (const call of calls) kept.add(call);
  return [...kept.entries];
}
