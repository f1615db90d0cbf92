import { EngineError, internal, unavailable } from "@pouchcontainer/errors";
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Readable, Writable, type Duplex } from "node:stream";
import { isMainThread } from "node:worker_threads";
import { firstExecutable } from "./first-executable.ts";

export interface StartOptions {
  /** The whole environment; default: the daemon's own. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** It goes on when a stop of the daemon sends SIGTERM or SIGINT to everything of it; its end is that of its input. Default: false. */
  neededForStop?: boolean;
  /** Default: a pipe for each of the three. */
  stdio?: StdioOptions;
  /** What messages call it, where it is not the program that is started first; default: that. */
  name?: string;
  /** Debian package to name when the program is missing. */
  packageName?: string;
}

/** How a program ended: `status` or, when it was killed, `signal`. */
export interface Ending {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * A child process with an owner: what goes wrong with it, its pipes or its start settles the promises below and nothing else.
 * A pipe it does not have (none was asked for, or the start failed) reads as empty and takes no bytes.
 */
export class StartedProgram {
  readonly program: string;
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Settles when it runs; rejects when it could not be started. Nobody has to wait. */
  readonly started: Promise<void>;
  /** Settles when it has ended, though others may still hold its pipes; rejects when it could not be started. Nobody has to wait. */
  readonly exited: Promise<Ending>;
  /**
   * Settles when it has ended and its output was read to the end, or nothing more comes of it and others only hold the pipes; rejects when
   * it could not be started. Nobody has to wait.
   */
  readonly closed: Promise<Ending>;
  readonly #child: ChildProcess | undefined;
  #stdin: Writable | undefined;
  #stdout: Readable | undefined;
  #stderr: Readable | undefined;

  constructor(program: string, child: ChildProcess | EngineError, options: StartOptions = {}) {
    this.program = program;
    const started = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<Ending>();
    const closed = Promise.withResolvers<Ending>();
    this.started = started.promise;
    this.exited = exited.promise;
    this.closed = closed.promise;
    for (const promise of [this.started, this.exited, this.closed]) promise.catch(() => undefined);
    const fail = (error: EngineError): void => {
      for (const { reject } of [started, exited, closed]) reject(error);
    };
    if (child instanceof EngineError) {
      fail(child);
      return;
    }
    this.#child = child;
    this.pid = child.pid;
    this.#stdin = child.stdin ?? undefined;
    this.#stdout = child.stdout ?? undefined;
    this.#stderr = child.stderr ?? undefined;
    // Also later, for example when a signal could not be sent: then nothing is settled any more.
    child.on("error", (error) => fail(startFailure(program, error, options)));
    child.once("spawn", () => started.resolve());
    child.once("exit", (status, signal) => {
      exited.resolve({ status, signal });
      endHeldPipes(child);
    });
    child.once("close", (status, signal) => closed.resolve({ status, signal }));
    // A pipe that breaks is told by the exit, and to whoever reads or writes it. Out of descriptors, Node leaves them out.
    for (const pipe of child.stdio ?? []) pipe?.on("error", () => undefined);
  }

  get stdin(): Writable {
    return (this.#stdin ??= new Writable().destroy());
  }

  get stdout(): Readable {
    return (this.#stdout ??= Readable.from([]));
  }

  get stderr(): Readable {
    return (this.#stderr ??= Readable.from([]));
  }

  /** The pipe at a descriptor above 2, where `stdio` asked for one. */
  pipeAt(descriptor: number): Duplex | undefined {
    // What `stdio: "pipe"` makes of descriptors above 2 is a socket.
    return (this.#child?.stdio?.[descriptor] ?? undefined) as Duplex | undefined;
  }

  /** Sends a signal; nothing happens when the program has ended. */
  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#child?.kill(signal);
  }

  /** Breaks off: kills it with all of its group, and lets go of its pipes, which others may hold open for ever. */
  abandon(): void {
    this.#killGroup();
    for (const pipe of this.#child?.stdio ?? []) pipe?.destroy();
    this.#child?.unref();
  }

  /** Only while it has not ended: later the number may be another's. */
  #killGroup(): void {
    if (this.pid === undefined || this.#child?.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // It ended a moment ago, and so that nobody heard of it yet.
    }
  }

  /** The daemon may end before the program does. */
  unref(): void {
    this.#child?.unref();
  }
}

/** How long nothing may come from a program that has ended, whose pipes others hold, until it counts as all. */
const quietMs = 500;

/** Children in the background may hold a program's pipes for as long as they live. Who reads slowly is waited for. */
function endHeldPipes(child: ChildProcess): void {
  const outputs = [child.stdout, child.stderr].filter((pipe) => pipe !== null);
  // What `stdio: "pipe"` makes of an output is a socket, which counts.
  const read = (): number => outputs.reduce((sum, pipe) => sum + ("bytesRead" in pipe ? Number(pipe.bytesRead) : 0), 0);
  let before = -1;
  const timer = setInterval(() => {
    const now = read();
    const allTaken = outputs.every((pipe) => pipe.closed || (pipe.readableFlowing === true && pipe.readableLength === 0));
    if (allTaken && now === before) for (const pipe of child.stdio) pipe?.destroy();
    before = now;
  }, quietMs);
  timer.unref();
  child.once("close", () => clearInterval(timer));
}

/** What is ignored stays so in the program that takes the shell's place; Node itself resets it in every child. */
const ignoring = 'trap "" INT TERM; exec "$0" "$@"';

/**
 * Starts a program, in a session of its own: a signal to the daemon's group, as Ctrl-C sends it, is the daemon's to hear and to act on.
 * Never throws: a start that fails rejects the promises of what is returned.
 */
export function startProgram(program: string, args: readonly string[], options: StartOptions = {}): StartedProgram {
  const { packageName: _packageName, name = program, neededForStop = false, ...spawning } = options;
  try {
    const [command, words] = neededForStop
      ? ["/bin/sh", ["-c", ignoring, findProgram(program, spawning.env?.["PATH"] ?? process.env["PATH"] ?? ""), ...args]]
      : [program, args];
    return new StartedProgram(
      name,
      withOrdinaryUmask(() => spawn(command, words, { ...spawning, detached: true })),
      options,
    );
  } catch (thrown) {
    // Some failures (E2BIG, arguments Node refuses) are thrown and not emitted.
    return new StartedProgram(program, startFailure(program, thrown, options));
  }
}

/**
 * The daemon keeps what it makes to itself; programs work for containers and for people, and expect the umask every service has.
 * The child is forked within `spawn`.
 */
function withOrdinaryUmask<T>(start: () => T): T {
  if (!isMainThread) return start();
  const own = process.umask(0o022);
  try {
    return start();
  } finally {
    process.umask(own);
  }
}

/** Looked up here so that a missing program is a failure of the start and not the shell's exit. */
function findProgram(program: string, path: string): string {
  const candidates = program.includes("/") ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  const found = firstExecutable(candidates);
  if (found === undefined) throw Object.assign(new Error(`spawn ${program} ENOENT`), { code: "ENOENT" });
  return found;
}

function startFailure(program: string, cause: unknown, { packageName, cwd }: StartOptions): EngineError {
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  if (!isMissing) return internal(`cannot start ${program}: ${EngineError.from(cause).message}`, { cause });
  return unavailable(whatIsMissing(program, packageName, cwd), { cause });
}

/** The kernel says ENOENT of the program, of the folder it was to run in, and of the interpreter it names. */
function whatIsMissing(program: string, packageName: string | undefined, cwd: string | undefined): string {
  if (cwd !== undefined && !existsSync(cwd)) return `cannot start ${program}: the folder it runs in, ${cwd}, is not there`;
  const hint = packageName === undefined ? "" : ` (package ${packageName})`;
  if (!program.includes("/")) return `the program "${program}" is not installed${hint}`;
  if (!existsSync(program)) return `the program ${program} is not there${hint}`;
  return `cannot start ${program}: the interpreter or loader that it names is not there`;
}
