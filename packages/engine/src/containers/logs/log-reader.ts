import { callAfter, takeLoopShare } from "@pouchcontainer/owners";
import { renderEntry, timeOf, type LogEntry } from "./log-entry.ts";
import { jsonFileFormat, type LogFileFormat } from "./log-file-format.ts";
import { modifiedMs, openLogSource, positionByHalving, positionOfLastLines, readLines, type LogSource } from "./log-files.ts";

export interface LogQuery {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  details: boolean;
  tail?: number;
  /** Nanoseconds since the epoch. */
  since?: bigint;
  until?: bigint;
}

export interface LogOutput {
  stream: "stdout" | "stderr";
  data: Uint8Array;
  /** Where each entry ends in `data`. */
  ends: number[];
}

/** The running writer, as a follower needs it. */
export interface FollowedLog {
  readonly closed: boolean;
  readonly rotations: number;
  changed(): Promise<void>;
}

/**
 * Reads a log's files: the last lines without reading the rest, a time range by halving, and on request what is written
 * from now on, across rotations, until the writer closes or the signal comes.
 */
export async function* readLog(
  path: string,
  query: LogQuery,
  signal: AbortSignal,
  writer?: FollowedLog,
  format: LogFileFormat = jsonFileFormat,
): AsyncGenerator<LogOutput, void, undefined> {
  const filter = new EntryFilter(query, format);
  const follow = query.follow && writer !== undefined && !writer.closed ? writer : undefined;
  let rotations = writer?.rotations ?? 0;
  const paths = format.paths(path);
  const sources = await openWanted(paths, query);
  let current: LogSource | undefined = sources.pop()?.source;
  let position = 0;
  try {
    const start = await tailStart([...sources.map(({ source }) => source), ...(current ? [current] : [])], query.tail);
    for (const [index, { source }] of sources.entries()) {
      if (index < start.index) continue;
      const from = index === start.index ? start.position : 0;
      for (const { lines } of readLines(source, Math.max(from, filter.startIn(source)), format.encoding)) {
        yield* filter.render(lines);
        if (filter.ended || signal.aborted) return;
        await takeLoopShare();
      }
    }
    if (!current) return;
    position = Math.max(start.index === sources.length ? start.position : 0, filter.startIn(current));
    for (;;) {
      const closedBefore = follow?.closed ?? true;
      const changed = follow?.changed();
      for (const { lines, next } of readLines(current, position, format.encoding)) {
        position = next;
        yield* filter.render(lines);
        if (filter.ended || signal.aborted) return;
        await takeLoopShare();
      }
      if (!follow) return;
      if (follow.rotations !== rotations) {
        const following = fileAfter(format.paths(path), rotations, follow.rotations);
        const next = await openLogSource(following.path);
        if (!next) continue;
        rotations = following.rotation;
        current.close();
        current = next;
        position = 0;
        continue;
      }
      if (closedBefore || signal.aborted || filter.pastUntilNow()) return;
      await changedOrAborted(changed, signal, filter.untilMs);
    }
  } finally {
    current?.close();
    for (const { source } of sources) source.close();
  }
}

/** The file written after the one of that rotation; the oldest one left when it is gone already. */
function fileAfter(paths: string[], rotation: number, rotations: number): { path: string; rotation: number } {
  const age = Math.min(rotations - rotation - 1, paths.length - 1);
  return { path: paths[paths.length - 1 - age] ?? "", rotation: rotations - age };
}

async function openWanted(paths: string[], query: LogQuery): Promise<{ source: LogSource }[]> {
  const sinceMs = query.since === undefined || query.tail !== undefined ? 0 : Number(query.since / 1_000_000n);
  const opened: { source: LogSource }[] = [];
  for (const [index, file] of paths.entries()) {
    // A file last written before `since` holds nothing asked for; the current one is needed to follow.
    if (index < paths.length - 1 && modifiedMs(file) < sinceMs) continue;
    const source = await openLogSource(file);
    if (source) opened.push({ source });
  }
  return opened;
}

/** In which source, and where in it, the last `tail` lines begin. */
async function tailStart(sources: LogSource[], tail: number | undefined): Promise<{ index: number; position: number }> {
  if (tail === undefined) return { index: 0, position: 0 };
  let missing = tail;
  for (let index = sources.length - 1; index >= 0; index--) {
    const source = sources[index];
    if (!source) continue;
    const found = await positionOfLastLines(source, missing);
    missing -= found.lines;
    if (missing <= 0 || index === 0) return { index, position: found.position };
  }
  return { index: 0, position: 0 };
}

class EntryFilter {
  readonly #query: LogQuery;
  readonly #format: LogFileFormat;
  readonly #since: bigint | undefined;
  readonly #until: bigint | undefined;
  ended = false;

  constructor(query: LogQuery, format: LogFileFormat) {
    this.#query = query;
    this.#format = format;
    this.#since = query.since;
    this.#until = query.until;
  }

  get untilMs(): number | undefined {
    return this.#until === undefined ? undefined : Number(this.#until / 1_000_000n);
  }

  pastUntilNow(): boolean {
    return this.untilMs !== undefined && Date.now() > this.untilMs;
  }

  startIn(source: LogSource): number {
    const since = this.#since;
    if (since === undefined) return 0;
    return positionByHalving(source, (line) => {
      const entry = this.#format.parse(line);
      return entry !== undefined && timeOf(entry) < since;
    });
  }

  /** Neighbouring entries of one stream go out as one piece, which says where each of them ends. */
  *render(lines: string[]): Generator<LogOutput> {
    const { encoding } = this.#format;
    let stream: LogEntry["stream"] = "stdout";
    let text = "";
    let length = 0;
    let ends: number[] = [];
    for (const line of lines) {
      const entry = this.#format.parse(line);
      if (!entry || !this.#wants(entry)) continue;
      if (entry.stream !== stream && text !== "") {
        yield { stream, data: Buffer.from(text, encoding), ends };
        text = "";
        length = 0;
        ends = [];
      }
      stream = entry.stream;
      const rendered = renderEntry(entry, this.#query);
      text += rendered;
      ends.push((length += Buffer.byteLength(rendered, encoding)));
    }
    if (text !== "") yield { stream, data: Buffer.from(text, encoding), ends };
  }

  #wants(entry: LogEntry): boolean {
    if (this.ended) return false;
    if (this.#since !== undefined && timeOf(entry) < this.#since) return false;
    if (this.#until !== undefined && timeOf(entry) > this.#until) {
      this.ended = true;
      return false;
    }
    return entry.stream === "stdout" ? this.#query.stdout : this.#query.stderr;
  }
}

async function changedOrAborted(
  changed: Promise<void> | undefined,
  signal: AbortSignal,
  untilMs: number | undefined,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const callOff = untilMs === undefined ? undefined : callAfter(Math.max(0, untilMs - Date.now()) + 1, resolve);
  const wake = (): void => resolve();
  signal.addEventListener("abort", wake);
  await Promise.race([changed, promise]);
  signal.removeEventListener("abort", wake);
  callOff?.();
}
