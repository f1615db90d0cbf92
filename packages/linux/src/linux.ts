import { runProgram } from "@pouchcontainer/owners";
import { lstatSync } from "node:fs";
import { foreignFunctions } from "./foreign-functions.ts";
import { Libc } from "./libc.ts";
import { ReadableWatcher, type ReadableWatch } from "./readable-watch.ts";

/** `fcntl(2)` command that sets the capacity of a pipe. */
const setPipeSize = 1031;
/** `ioctl(2)` request `SIOCOUTQ`: what was sent and the other end of a local socket has not read (`sockios.h`). */
const unreadOutput = 0x5411;
/** `splice(2)` flag: answer at once when the pipe is empty. */
const spliceNonblock = 2;

interface KernelCalls {
  mkfifo(path: string, mode: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  /** Size of an extended attribute of the file itself (links are not followed); negative when it has none. */
  attributeSize(path: string, name: string): number;
  /** Bytes moved from a pipe to that place of a file; 0 at the pipe's end, negative when there are none or it cannot be done. */
  splice(from: number, to: number, offset: number, size: number): number;
  watchReadable(fd: number, onReadable: () => void): ReadableWatch;
  /** Fills the four bytes of an `int`; negative when there is no answer. */
  ioctl(fd: number, request: number, answer: Buffer): number;
}

export interface LinuxOptions {
  /** Calls into libc; default: through `node:ffi` where this Node has it. `null` forces the fallbacks. */
  calls?: KernelCalls | null;
}

/** Kernel calls Node lacks: through libc where `node:ffi` is there, else through the system's programs, slower. */
export class Linux {
  readonly #calls: KernelCalls | null;

  constructor(options: LinuxOptions = {}) {
    this.#calls = options.calls === undefined ? loadKernelCalls() : options.calls;
  }

  /** Whether calls go straight to the kernel. */
  get direct(): boolean {
    return this.#calls !== null;
  }

  /** Makes a FIFO that only its owner may open. An existing file of that name is an error. */
  async makeFifo(path: string): Promise<void> {
    if (this.#calls) {
      if (this.#calls.mkfifo(path, 0o600) === 0) return;
      // libc's errno does not survive the way back into JavaScript; the two causes that matter can be told apart by looking.
      if (lstatSync(path, { throwIfNoEntry: false })) throw fifoError("EEXIST", `file exists, mkfifo '${path}'`);
    }
    try {
      await runProgram("mkfifo", ["-m", "600", "--", path], { packageName: "coreutils" });
    } catch (error) {
      throw fifoError("EIO", `mkfifo '${path}': ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }

  /** Asks for a bigger pipe buffer; a refusal (limit of the user reached) leaves the pipe as it was. */
  enlargePipe(fd: number, sizeBytes: number): void {
    this.#calls?.fcntl(fd, setPipeSize, sizeBytes);
  }

  /**
   * Moves bytes out of a pipe into a file in one step: a process killed at any moment has each of them in one of the two. The
   * answer is undefined where that cannot be done. Only for a `direct` instance.
   */
  moveToFile(pipe: number, file: number, offset: number, size: number): number | undefined {
    const moved = this.#kernel().splice(pipe, file, offset, size);
    return moved < 0 ? undefined : moved;
  }

  /** Tells when a pipe can be read, without reading it. Only for a `direct` instance. */
  watchReadable(fd: number, onReadable: () => void): ReadableWatch {
    return this.#kernel().watchReadable(fd, onReadable);
  }

  /**
   * Whether the other end of a socket has read all that was sent to it; over a network, whether its machine has received it.
   * True also where the kernel cannot be asked.
   */
  allRead(socket: number): boolean {
    const answer = Buffer.alloc(4);
    const result = this.#calls?.ioctl(socket, unreadOutput, answer) ?? -1;
    return result < 0 || answer.readInt32LE() === 0;
  }

  #kernel(): KernelCalls {
    if (this.#calls === null) throw new Error("this call goes through libc only");
    return this.#calls;
  }

  /** Whether this folder of an overlay's layer hides what lower layers have in its place. Only for a `direct` instance. */
  isOpaqueDirectory(path: string): boolean {
    const calls = this.#kernel();
    return calls.attributeSize(path, opaqueMark) > 0;
  }
}

/**
 * overlayfs' mark on a folder of an upper layer that hides everything below it (kernel, `overlayfs.rst`). Its mark for mounts with
 * `userxattr` is none: those of containers are not made so, and whoever owns a folder can set it.
 */
export const opaqueMark = "trusted.overlay.opaque";

function fifoError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}

function loadKernelCalls(): KernelCalls | null {
  const ffi = foreignFunctions();
  const libc = Libc.load();
  if (ffi === undefined || libc === undefined) return null;
  const watcher = new ReadableWatcher(ffi);
  const offset = new BigInt64Array(1);
  return {
    mkfifo: (path, mode) => libc.attempt("mkfifo", path, mode),
    fcntl: (fd, command, argument) => libc.attempt("fcntl", fd, command, argument),
    // No buffer: the kernel answers with the size alone.
    attributeSize: (path, name) => libc.attempt("lgetxattr", path, name, null, 0n),
    splice: (from, to, at, size) => {
      offset[0] = BigInt(at);
      return libc.attempt("splice", from, 0n, to, offset, BigInt(size), spliceNonblock);
    },
    watchReadable: (fd, onReadable) => watcher.watch(fd, onReadable),
    ioctl: (fd, request, answer) => libc.attempt("ioctl", fd, BigInt(request), answer),
  };
}
