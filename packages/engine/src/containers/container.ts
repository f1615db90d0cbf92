import { join } from "node:path";
import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerRecord, ContainerState, LiveContainer } from "./container-record.ts";
import type { ContainerRun } from "./container-run.ts";
import { isClosed, type PutOptions } from "../store/index.ts";
import { OperationLock } from "./operation-lock.ts";
import { InputPipe } from "./stdio/input-pipe.ts";
import { OutputHub } from "./stdio/output-hub.ts";

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface ExitReport {
  exitCode: number;
  error?: string;
}

/** What the clients of the next or current run hold. */
export interface RunStreams {
  hub: OutputHub;
  input: InputPipe;
}

/** Where a container's record and folders are. */
interface ContainerHome extends Pick<ContainerDeps, "roots" | "log"> {
  records: Pick<ContainerDeps["records"], "put">;
}

/** One container while the daemon lives: its record, what runs of it, and who waits for it. */
export class Container implements LiveContainer {
  readonly execIds = new Set<string>();
  readonly lock = new OperationLock();
  /**
   * Held while the runtime starts an exec, and while it freezes the container: an exec frozen half way would never be started. The shim
   * starts one process at a time and settles no exit meanwhile; with many starts waiting in it its queue of exits fills up, and each
   * further exit costs a second (containerd 1.6, `reaper.notify`). So they wait here.
   */
  readonly execStarts = new OperationLock();
  /** The current run, or the last one until everything of it is cleaned up. */
  run: ContainerRun | undefined;
  /** Set from the moment a removal has begun. */
  removing = false;
  removed = false;
  /** Resolves when a removal that was promised has come to its end, whether it is removed then or not. */
  promisedRemoval: Promise<void> | undefined;
  /** Something of a former run may be left, since containerd was away or something was killed: who needs it gone has to look. */
  unsure = false;
  /** Restarts under way: `--rm` must not take away what is stopped as part of one. */
  restarts = 0;
  restartDelayMs = 0;
  /** Runs since the daemon's start that somebody asked for, and not the policy. */
  startsByHand = 0;
  #dueRestart: AbortController | undefined;
  #record: ContainerRecord;
  #streams: RunStreams | undefined;
  readonly #deps: ContainerHome;
  readonly #starts = new Set<Promise<void>>();
  readonly #waiters = new Map<WaitCondition, Set<(report: ExitReport) => void>>();

  constructor(record: ContainerRecord, deps: ContainerHome) {
    this.#record = record;
    this.#deps = deps;
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  get id(): string {
    return this.#record.id;
  }

  get state(): ContainerState {
    return this.#record.state;
  }

  /** Whether its process is there, frozen or not. */
  get isRunning(): boolean {
    return this.state.status === "running" || this.state.status === "paused";
  }

  /** Folder that stays as long as the container. */
  get directory(): string {
    return join(this.#deps.roots.containers, this.id);
  }

  /** Folder that lasts as long as this boot. */
  get execDirectory(): string {
    return join(this.#deps.roots.exec, this.id);
  }

  /** Streams of the current run, or those the next one will take over. */
  get streams(): RunStreams {
    return (this.#streams ??= { hub: new OutputHub({ directory: this.directory }), input: new InputPipe() });
  }

  /** Everyone attached gets the end; the next run has streams of its own. Given a run's hub, only that run's streams are ended. */
  endStreams(hub?: OutputHub): void {
    if (hub !== undefined && this.#streams?.hub !== hub) return;
    this.#streams?.hub.end();
    this.#streams?.input.destroy();
    this.#streams = undefined;
  }

  /** Changes the record, in memory at once; resolves when the change is durable, or for what has `happened` will be. Records are never changed in place. */
  async change(
    change: Partial<Omit<ContainerRecord, "state">> & { state?: Partial<ContainerState> },
    options?: PutOptions,
  ): Promise<void> {
    this.#record = { ...this.#record, ...change, state: { ...this.#record.state, ...change.state } };
    if (!this.removed) await this.#deps.records.put(this.id, this.#record, options);
  }

  /** The same for what must not hold unless it is stored: a failure takes it back. */
  async changeIfStored(change: Parameters<Container["change"]>[0]): Promise<void> {
    const before = this.#record;
    try {
      await this.change(change);
    } catch (error) {
      // Only these fields: something else may have become known meanwhile.
      const { state = {}, ...others } = change;
      this.#record = {
        ...this.#record,
        ...fieldsOf(before, others),
        state: { ...this.#record.state, ...fieldsOf(before.state, state) },
      };
      throw error;
    }
  }

  /** The same without waiting: for what containerd knows too and a daemon that starts finds out by itself. */
  note(change: Parameters<Container["change"]>[0]): void {
    this.change(change, { happened: true }).catch((error: unknown) => {
      if (isClosed(error)) return;
      this.#deps.log.error("the state of a container could not be stored", { container: this.id, error: String(error) });
    });
  }

  /** What became known of a run, unless that run is over: its exit has the last word. Says whether it was noted. */
  noteOf(run: ContainerRun, change: Parameters<Container["change"]>[0]): boolean {
    if (run.over) return false;
    this.note(change);
    return true;
  }

  /** Runs a start with the lock held. */
  async start(work: () => Promise<void>): Promise<void> {
    const start = this.lock.run(work);
    this.#starts.add(start);
    try {
      await start;
    } finally {
      this.#starts.delete(start);
    }
  }

  /**
   * Resolves when the starts that are under way have come to their ends. Whether the container runs is not known before: who asks
   * for what depends on it waits, as with dockerd. Not for who holds the lock.
   */
  async startsSettled(): Promise<void> {
    await Promise.allSettled(this.#starts);
  }

  /** A start by the restart policy is due; the signal calls it off. */
  planRestart(): AbortSignal {
    this.cancelRestart();
    this.#dueRestart = new AbortController();
    return this.#dueRestart.signal;
  }

  get restartIsDue(): boolean {
    return this.#dueRestart !== undefined;
  }

  cancelRestart(): void {
    this.#dueRestart?.abort();
    this.#dueRestart = undefined;
  }

  onExit(condition: WaitCondition, listener: (report: ExitReport) => void): () => void {
    const waiting = this.#waiters.get(condition) ?? new Set();
    this.#waiters.set(condition, waiting.add(listener));
    return () => waiting.delete(listener);
  }

  report(conditions: WaitCondition[], report: ExitReport): void {
    for (const condition of conditions) {
      const waiting = [...(this.#waiters.get(condition) ?? [])];
      this.#waiters.delete(condition);
      for (const listener of waiting) listener(report);
    }
  }
}

/** Those fields of `before` that a change names. */
function fieldsOf<T extends object>(before: T, change: Partial<T>): Partial<T> {
  // Keys of a part of T are keys of T.
  return Object.fromEntries(Object.keys(change).map((key) => [key, before[key as keyof T]])) as Partial<T>;
}
