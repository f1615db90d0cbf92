import { messageChain } from "@pouchcontainer/errors";
import { inBackground, takeLoopShare } from "@pouchcontainer/owners";
import { setTimeout as sleep } from "node:timers/promises";
import { removeTree } from "../../remove-tree.ts";
import type { JournalSecrets } from "./hidden-secrets.ts";
import { journalEntry, readEntry, type JournalEntry } from "./journal-entry.ts";
import { isReplayable, type CallJournal, type JournaledCall } from "./journaled-call.ts";
import { isLargerThan } from "./larger-than.ts";
import { damagedLine, Segments } from "./segments.ts";

export interface PluginJournalOptions {
  /** The daemon's own; what is in it goes when the journal is switched off. */
  directory: string;
  /** Of all files together. 0: there is no journal. */
  bytes: number;
  secrets: JournalSecrets;
  warn: (message: string) => void;
}

/** How long calls wait for others that are written with them; the client has its answer by then. */
const waitMs = 50;
/** Calls that wait to be written; of those that wait for a slow disk, large ones are lost first. */
const maxWaiting = 256;
const maxWaitingOfAnySize = 32;
const smallBytes = 64 * 1024;
/** Bytes that are written at once. */
const chunkBytes = 64 * 1024;

/** What is not in the journal since the daemon's start. */
export interface JournalLosses {
  /** Calls whose request is too large, or nested too deeply. */
  large: number;
  /** Calls that came faster than they could be written, or that the disk would not take. */
  lost: number;
}

/** A line of the journal, or what is said of a place where there is no whole one. */
export type PlacedEntry = { place: number } & ({ entry: JournalEntry } | { damage: string });

/** Calls of plugins on disk, for as long as there is room for them. What it cannot keep it leaves out: no call waits for it. */
export class PluginJournal implements CallJournal {
  readonly losses: JournalLosses = { large: 0, lost: 0 };
  readonly #options: PluginJournalOptions;
  readonly #segments: Segments;
  readonly #waiting: JournaledCall[] = [];
  #writing: Promise<void> | undefined;
  #hasFailed = false;

  private constructor(options: PluginJournalOptions, segments: Segments) {
    this.#options = options;
    this.#segments = segments;
  }

  /** Undefined where it is switched off: what an earlier daemon kept is removed then. */
  static async open(options: PluginJournalOptions): Promise<PluginJournal | undefined> {
    const { directory, bytes, warn } = options;
    if (bytes > 0) return new PluginJournal(options, await Segments.open(directory, bytes, warn));
    await removeTree(directory);
    return undefined;
  }

  called(call: JournaledCall): void {
    if (!isReplayable(call.point)) return;
    const { length } = this.#waiting;
    if (length >= maxWaiting || (length >= maxWaitingOfAnySize && isLargerThan(call.given, smallBytes))) {
      this.losses.lost += 1;
      return;
    }
    this.#waiting.push(call);
    if (this.#writing === undefined) inBackground("writing the journal of plugin calls", () => this.#write(waitMs));
  }

  /** Resolves when all calls that ended before are written, or lost. */
  async flushed(): Promise<void> {
    await this.#writing;
    await this.#write(0);
  }

  /** Oldest first, all that was written before. */
  async *entries(): AsyncGenerator<PlacedEntry> {
    for await (const line of this.#segments.lines()) {
      await takeLoopShare();
      const { place } = line;
      const entry = "text" in line ? readEntry(line.text) : undefined;
      yield entry === undefined ? { place, damage: "damage" in line ? line.damage : damagedLine } : { place, entry };
    }
  }

  #write(afterMs: number): Promise<void> {
    this.#writing ??= this.#writeWaiting(afterMs).finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #writeWaiting(afterMs: number): Promise<void> {
    if (afterMs > 0) await sleep(afterMs);
    let lines: Buffer[] = [];
    let bytes = 0;
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      await takeLoopShare();
      const line = this.#lineOf(call);
      if (line !== undefined) lines.push(line);
      bytes += line?.length ?? 0;
      if (bytes < chunkBytes && this.#waiting.length > 0) continue;
      await this.#append(lines);
      [lines, bytes] = [[], 0];
    }
  }

  #lineOf(call: JournaledCall): Buffer | undefined {
    const maxBytes = Segments.lineBytes(this.#options.bytes);
    const { given, patch, error } = call;
    const line = isLargerThan([given, patch, error], maxBytes)
      ? undefined
      : Buffer.from(`${JSON.stringify(journalEntry(call, this.#options.secrets))}\n`);
    if (line !== undefined && line.length <= maxBytes) return line;
    this.losses.large += 1;
    return undefined;
  }

  async #append(lines: readonly Buffer[]): Promise<void> {
    if (lines.length === 0) return;
    try {
      await this.#segments.append(Buffer.concat(lines));
      this.#hasFailed = false;
    } catch (error) {
      this.losses.lost += lines.length;
      if (!this.#hasFailed)
        this.#options.warn(`the journal of plugin calls lacks some until it can be written again: ${messageChain(error)}`);
      this.#hasFailed = true;
    }
  }
}
