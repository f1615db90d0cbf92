import { makeFoldersSync } from "@pouchcontainer/owners";
import type { StdioPaths } from "@pouchcontainer/containerd";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { removeFlatFolder } from "../../remove-tree.ts";
import { InputPipe } from "./input-pipe.ts";
import { JournaledPipe, type JournalCalls } from "./journaled-pipe.ts";
import { OutputHub } from "./output-hub.ts";
import { OutputPipe } from "./output-pipe.ts";

/** What stdio needs of the kernel and of the keeper. */
export interface StdioDeps {
  makeFifo(path: string): Promise<void>;
  enlargePipe(fd: number, sizeBytes: number): void;
  /** Holds output while the daemon is dead; absent for processes that do not outlive it. */
  keeper?: { hold(path: string): Promise<void>; release(path: string): Promise<void> } | undefined;
  /** For output that must survive `kill -9` of the daemon to the byte; absent where the kernel cannot be asked for it. */
  journal?: JournalCalls;
  /** Read buffer shared by all pipes. */
  buffer: Buffer;
}

export interface StdioRequest {
  /** The process's own folder, removed with it. */
  directory: string;
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /**
   * Called with each chunk in the tick it was read in, before anyone attached gets it. The memory is only lent. `position`
   * says how far the stream's journal is used with it; undefined without a journal.
   */
  onOutput?: (stream: "stdout" | "stderr", chunk: Buffer, position: number | undefined) => void;
  /** How far an earlier daemon used the stream's journal. Present: there is to be a journal. */
  journaled?: (stream: "stdout" | "stderr") => number;
  /**
   * Hub and input that clients hold already because they attached before the process was there. Whoever made the hub ends it:
   * clients that see the end of the output ask how the process ended.
   */
  streams?: { hub: OutputHub; input: InputPipe };
  onStreamEnd?: (stream: "stdout" | "stderr") => void;
}

const pipeBytes = 1 << 20;

/**
 * Standard streams of one process over containerd's FIFOs. Output is read from the first byte on, whether or not anyone is
 * attached; stdin stays open across clients.
 */
export class ProcessStdio {
  readonly paths: StdioPaths;
  readonly hub: OutputHub;
  readonly input: InputPipe | undefined;
  /** When all output has been read and handed on. */
  readonly ended: Promise<void>;
  readonly #deps: StdioDeps;
  readonly #directory: string;
  readonly #pipes: (OutputPipe | JournaledPipe)[] = [];

  /** Makes the FIFOs of a process about to be created. */
  static async create(deps: StdioDeps, request: StdioRequest): Promise<ProcessStdio> {
    const paths = pathsOf(request);
    removeFlatFolder(request.directory);
    makeFoldersSync(request.directory, 0o700);
    let stdio: ProcessStdio | undefined;
    try {
      const wanted = [paths.stdin, paths.stdout, paths.stderr].filter((path) => path !== undefined);
      await Promise.all(wanted.map((path) => deps.makeFifo(path)));
      stdio = new ProcessStdio(deps, request, paths);
      await holdAll(deps, paths);
      return stdio;
    } catch (error) {
      stdio?.suspend();
      removeFlatFolder(request.directory);
      throw error;
    }
  }

  /** Takes up the FIFOs of a process that an earlier daemon started; what was written meanwhile is read first. */
  static async reopen(deps: StdioDeps, request: StdioRequest): Promise<ProcessStdio> {
    const all = pathsOf(request);
    const there = (path: string | undefined): path is string => path !== undefined && existsSync(path);
    const paths: StdioPaths = {
      terminal: request.tty,
      ...(there(all.stdin) ? { stdin: all.stdin } : {}),
      ...(there(all.stdout) ? { stdout: all.stdout } : {}),
      ...(there(all.stderr) ? { stderr: all.stderr } : {}),
    };
    const stdio = new ProcessStdio(deps, request, paths);
    try {
      await holdAll(deps, paths);
    } catch (error) {
      stdio.suspend();
      throw error;
    }
    stdio.opened();
    return stdio;
  }

  private constructor(deps: StdioDeps, request: StdioRequest, paths: StdioPaths) {
    this.#deps = deps;
    this.#directory = request.directory;
    this.paths = paths;
    this.hub = request.streams?.hub ?? new OutputHub({ directory: request.directory });
    this.hub.onRoom = () => this.#resume();
    try {
      for (const { stream, path } of outputs(paths)) this.#pipes.push(this.#openPipe(request, stream, path));
    } catch (error) {
      this.stopReading();
      throw error;
    }
    this.input = paths.stdin === undefined ? undefined : (request.streams?.input ?? new InputPipe());
    this.ended = Promise.all(
      outputs(paths).map(async ({ stream }, index) => {
        await this.#pipes[index]?.ended;
        request.onStreamEnd?.(stream);
      }),
    ).then(() => {
      if (request.streams === undefined) this.hub.end();
    });
  }

  #openPipe(request: StdioRequest, stream: "stdout" | "stderr", path: string): OutputPipe | JournaledPipe {
    const { buffer, journal } = this.#deps;
    const enlarge = (fd: number): void => this.#deps.enlargePipe(fd, pipeBytes);
    const onChunk = (chunk: Buffer, position?: number): boolean => {
      request.onOutput?.(stream, chunk, position);
      return this.hub.publish(stream, chunk);
    };
    return journal && request.journaled
      ? new JournaledPipe(path, { calls: journal, buffer, enlarge, from: request.journaled(stream), onChunk })
      : new OutputPipe(path, { buffer, enlarge, onChunk: (chunk) => onChunk(chunk) });
  }

  /** The process exists and has all its ends open. */
  opened(): void {
    for (const pipe of this.#pipes) pipe.release();
    if (this.paths.stdin !== undefined) this.input?.open(this.paths.stdin);
  }

  /** Lets go of everything but leaves the FIFOs and the keeper's hold: the daemon goes, the process stays. */
  suspend(): void {
    this.input?.destroy();
    this.stopReading();
  }

  /** What the process says from now on waits in its pipes, and then the process in a write. */
  stopReading(): void {
    for (const pipe of this.#pipes) pipe.close();
  }

  /** Closes and removes everything. Resolves when what was already read has been handed on. */
  async dispose(): Promise<void> {
    this.suspend();
    await this.ended;
    for (const { path } of outputs(this.paths)) await this.#deps.keeper?.release(path);
    removeFlatFolder(this.#directory);
  }

  #resume(): void {
    for (const pipe of this.#pipes) pipe.resume();
  }
}

async function holdAll({ keeper }: StdioDeps, paths: StdioPaths): Promise<void> {
  for (const { path } of outputs(paths)) await keeper?.hold(path);
}

function pathsOf({ directory, tty, stdin, stdout, stderr }: StdioRequest): StdioPaths {
  return {
    terminal: tty,
    ...(stdin ? { stdin: join(directory, "stdin") } : {}),
    ...(stdout ? { stdout: join(directory, "stdout") } : {}),
    // A terminal has one output.
    ...(stderr && !tty ? { stderr: join(directory, "stderr") } : {}),
  };
}

function outputs(paths: StdioPaths): { stream: "stdout" | "stderr"; path: string }[] {
  return [
    ...(paths.stdout === undefined ? [] : [{ stream: "stdout" as const, path: paths.stdout }]),
    ...(paths.stderr === undefined ? [] : [{ stream: "stderr" as const, path: paths.stderr }]),
  ];
}
