import { cancelled, deadlineExceeded, EngineError } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pLimit from "p-limit";
import { ArchiveInput } from "./archive-input.ts";
import type {
  CopySource,
  FileJob,
  FileJobName,
  FileJobs,
  FilePath,
  FileView,
  PathStat,
  Placement,
  Places,
  UnpackOptions,
} from "./file-jobs.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface FileWorkersOptions {
  /** Runs a file worker: `runFileWorker`, or `decompress` of a format given as one more argument. */
  command: string;
  args: readonly string[];
  /** How long a worker that nobody needed stays; default: 5000. */
  idleMs?: number;
  /** How long a worker may take to begin, which is all a description of a path takes; default: 60,000. */
  beginMs?: number;
}

/**
 * The room for all work on containers' files. Every job is done by a process of its own that has nothing but those files for its
 * root (`worker/enter-view.ts`), and ends with it; whatever a container does to its files meanwhile, the host is out of reach.
 * A worker that dies, a client that goes away, an archive that is cut off: each is an error, and leaves no process and no mount.
 */
export class FileWorkers {
  readonly #options: FileWorkersOptions;
  readonly #running = new Set<WorkerProcess>();
  /** For the start of a process, until it takes its job. */
  readonly #turns = pLimit(startsAtOnce);
  #spare: { worker: WorkerProcess; timer: NodeJS.Timeout } | undefined;
  #closed = false;

  constructor(options: FileWorkersOptions) {
    this.#options = options;
  }

  /** What a path is. Fails with `notFound`, its message the path. */
  stat(view: FileView, path: FilePath): Promise<PathStat> {
    // What hangs is a file system: a network's, or one a container's process serves.
    return this.#answer("stat", { view, pathBase64: base64(path) }, { limitMs: this.#options.beginMs ?? defaultBeginMs });
  }

  /** A tar of a path, named after it. */
  async pack(view: FileView, path: FilePath): Promise<{ stat: PathStat; tar: Readable; ended: Promise<void> }> {
    const { head, output, ended } = await this.#sending({ job: "pack", view, pathBase64: base64(path) });
    // A `pack` worker's head is the path's description (file-jobs.ts).
    return { stat: head as PathStat, tar: output, ended };
  }

  /** A tar of everything in a view. */
  async export(view: FileView): Promise<{ tar: Readable; ended: Promise<void> }> {
    const { output, ended } = await this.#sending({ job: "export", view });
    return { tar: output, ended };
  }

  /** The part `/upper` of a view as the tar of an image's layer on `/lower`: what is hidden of that is a whiteout. */
  async layer(view: FileView, mountedOver: readonly string[]): Promise<{ tar: Readable; ended: Promise<void> }> {
    const { output, ended } = await this.#sending({ job: "layer", view, mountedOver });
    return { tar: output, ended };
  }

  /**
   * Puts a tar, compressed or not, below a path. Resolves when all of it is there. Nothing is taken of the source before the worker
   * can use it: whoever finds the process gone begins again with the whole of it.
   */
  async unpack(view: FileView, path: FilePath, tar: Readable, options: UnpackOptions): Promise<void> {
    await this.#taking({ job: "unpack", view, pathBase64: base64(path), options }, tar);
  }

  /** Puts a tar, compressed or not, where a `COPY` says. Resolves when all of it is there. */
  async placeCopy(view: FileView, placement: Placement, tar: Readable): Promise<void> {
    await this.#taking({ job: "placeCopy", view, placement }, tar);
  }

  /** What the paths of a `COPY` name. Fails with `notFound` for one that names nothing. */
  copySources(
    view: FileView,
    paths: readonly string[],
    options: { owners: boolean },
    signal: AbortSignal,
  ): Promise<CopySource[]> {
    return this.#answer("copySources", { view, paths, ...options }, { signal });
  }

  /** A file's content. Fails with `notFound`, its message the path. */
  async send(view: FileView, path: FilePath): Promise<{ size: number; content: Readable; ended: Promise<void> }> {
    const { head, output, ended } = await this.#sending({ job: "send", view, pathBase64: base64(path) });
    // A `send` worker's head is the content's length (file-jobs.ts).
    return { size: head as number, content: output, ended };
  }

  /** Removes what a `.dockerignore` leaves out of a build's context. */
  removeIgnored(view: FileView, lines: readonly string[], signal: AbortSignal): Promise<undefined> {
    return this.#answer("removeIgnored", { view, lines }, { signal });
  }

  async #taking(job: FileJob, tar: Readable): Promise<void> {
    const worker = await this.#start(job);
    const input = new ArchiveInput(this.#options, worker);
    try {
      await this.#begun(worker);
      await Promise.all([input.feed(tar), worker.answer]);
    } catch (error) {
      worker.kill();
      throw error;
    } finally {
      await Promise.all([worker.ended, input.close()]);
    }
  }

  /** What the part `/upper` of a view changes of its part `/lower`: a JSON list of `Change`. However many files a container made, `signal` ends it. */
  async changes(view: FileView, mountedOver: readonly string[], signal: AbortSignal): Promise<{ count: number; json: Readable }> {
    const job: FileJob = { job: "changes", view, mountedOver };
    const { head, output } = await this.#sending(job, (worker) => untilAborted(signal, worker, worker.head));
    // A `changes` worker's head is the number of them (file-jobs.ts).
    return { count: head as number, json: output };
  }

  /** Copies a folder of the part `/source` into the part `/target`, if that is empty. */
  copyUp(view: FileView, from: string): Promise<boolean> {
    return this.#answer("copyUp", { view, from });
  }

  /** Makes folders and empty files in the place of links and other things; of files nobody else changes. */
  makePlaces(view: FileView, places: Places): Promise<undefined> {
    return this.#answer("makePlaces", { view, ...places });
  }

  /** Bytes of the files in each of these folders of the host; 0 for one that is not there. */
  sizesOf(folders: readonly string[]): Promise<number[]> {
    const binds = folders.map((source, index) => ({ source, destination: `/${index}`, readOnly: true }));
    const view: FileView = { kind: "assembled", parts: [], binds };
    return this.#answer("sizes", { view, places: binds.map(({ destination }) => destination) });
  }

  /** Keeps a view while `use` works on it by the path it is given. For those who write by themselves and follow no link. */
  async hold<T>(view: FileView, use: (root: string) => Promise<T> | T): Promise<T> {
    const worker = await this.#start({ job: "hold", view });
    try {
      await this.#begun(worker);
      return await use(`/proc/${worker.pid}/root`);
    } finally {
      worker.kill();
      await worker.ended;
    }
  }

  /** Ends every worker. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#dismissSpare();
    const left = [...this.#running];
    for (const worker of left) worker.kill();
    await Promise.all(left.map(({ ended }) => ended));
  }

  #begun(worker: WorkerProcess): Promise<unknown> {
    return within(this.#options.beginMs ?? defaultBeginMs, worker, worker.head);
  }

  async #answer<N extends FileJobName>(
    name: N,
    ask: { view: FileView } & FileJobs[N]["ask"],
    { limitMs, signal }: { limitMs?: number; signal?: AbortSignal } = {},
  ): Promise<FileJobs[N]["answer"]> {
    // The table in file-jobs.ts says that these belong together.
    const worker = await this.#start({ job: name, ...ask } as unknown as FileJob);
    try {
      const inTime = limitMs === undefined ? worker.answer : within(limitMs, worker, worker.answer);
      const answer = signal === undefined ? inTime : untilAborted(signal, worker, inTime);
      return (await answer) as FileJobs[N]["answer"];
    } finally {
      await worker.ended;
    }
  }

  async #start(job: FileJob): Promise<WorkerProcess> {
    const worker = await this.#turns(() => this.#readyWorker());
    worker.give(job);
    if (this.#turns.activeCount + this.#turns.pendingCount === 0) this.#keepSpare();
    return worker;
  }

  async #readyWorker(): Promise<WorkerProcess> {
    if (this.#closed) throw cancelled("the daemon is stopping");
    const worker = this.#spare?.worker.hasEnded === false ? this.#spare.worker : this.#launch();
    this.#forgetSpare();
    await within(this.#options.beginMs ?? defaultBeginMs, worker, worker.up);
    return worker;
  }

  #launch(): WorkerProcess {
    const worker = new WorkerProcess(this.#options);
    this.#running.add(worker);
    inBackground("noticing the end of a file worker", () => worker.ended.then(() => this.#running.delete(worker)));
    return worker;
  }

  /** Who worked on files once does so again soon, and does not wait for the start then. */
  #keepSpare(): void {
    if (this.#closed || this.#spare?.worker.hasEnded === false) return;
    this.#forgetSpare();
    const timer = setTimeout(() => this.#dismissSpare(), this.#options.idleMs ?? 5000);
    timer.unref();
    this.#spare = { worker: this.#launch(), timer };
  }

  #forgetSpare(): void {
    clearTimeout(this.#spare?.timer);
    this.#spare = undefined;
  }

  #dismissSpare(): void {
    this.#spare?.worker.kill();
    this.#forgetSpare();
  }

  /** Resolves when the worker has begun. The output ends only when the job is done, and fails when that fails; `ended` is its worker's end. */
  async #sending(
    job: FileJob,
    begun = (worker: WorkerProcess): Promise<unknown> => this.#begun(worker),
  ): Promise<{ head: unknown; output: Readable; ended: Promise<void> }> {
    const worker = await this.#start(job);
    const { output, ended } = this.#output(worker);
    try {
      return { head: await begun(worker), output, ended };
    } catch (error) {
      output.destroy();
      await ended;
      throw error;
    }
  }

  #output(worker: WorkerProcess): { output: Readable; ended: Promise<void> } {
    const output = new Transform({
      transform: (chunk, _encoding, done) => done(null, chunk),
      // The end of the bytes is the content's only when the worker says so: one that died ends them, too.
      flush: (done) => {
        worker.answer.then(
          () => done(),
          (error: unknown) => done(EngineError.from(error)),
        );
      },
    });
    const ended = pipeline(worker.stdout, output)
      .catch(() => worker.kill())
      .then(() => worker.ended);
    return { output, ended };
  }
}

const base64 = (path: FilePath): string => (typeof path === "string" ? Buffer.from(path) : path).toString("base64");

const defaultBeginMs = 60_000;

/**
 * A start holds the event loop until the process has got as far as to be another program, which takes the longer the more of them
 * compete for the processors: with 300 at once nothing else was served for 15 s.
 */
const startsAtOnce = 4;

/** Kills a worker that does not settle this in time. */
async function within<T>(limitMs: number, worker: WorkerProcess, settling: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(deadlineExceeded(`the container's files did not answer within ${limitMs / 1000} s`));
    worker.kill();
  }, limitMs);
  try {
    return await Promise.race([settling, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Kills a worker that nobody waits for any more. */
async function untilAborted<T>(signal: AbortSignal, worker: WorkerProcess, settling: Promise<T>): Promise<T> {
  const stop = (): void => worker.kill();
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await settling;
  } catch (error) {
    if (signal.aborted) throw cancelled("nobody waits for the work on a container's files any more", { cause: error });
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
