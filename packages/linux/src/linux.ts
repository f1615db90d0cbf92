import type * as Ffi from "node:ffi";
import { execFile } from "node:child_process";
import { lstatSync } from "node:fs";
import { promisify } from "node:util";

/** `fcntl(2)` command that sets the capacity of a pipe. */
const setPipeSize = 1031;

interface KernelCalls {
  mkfifo(path: string, mode: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  /** Size of an extended attribute of the file itself (links are not followed); negative when it has none. */
  attributeSize(path: string, name: string): number;
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
      await promisify(execFile)("mkfifo", ["-m", "600", "--", path]);
    } catch (error) {
      throw fifoError("EIO", `mkfifo '${path}': ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }

  /** Asks for a bigger pipe buffer; a refusal (limit of the user reached) leaves the pipe as it was. */
  enlargePipe(fd: number, sizeBytes: number): void {
    this.#calls?.fcntl(fd, setPipeSize, sizeBytes);
  }

  /** Whether this folder of an overlay's layer hides what lower layers have in its place. Only for a `direct` instance. */
  isOpaqueDirectory(path: string): boolean {
    const calls = this.#calls;
    if (calls === null) throw new Error("extended attributes can be read through libc only");
    return opaqueMarks.some((name) => calls.attributeSize(path, name) > 0);
  }
}

/** overlayfs' mark on a folder of an upper layer that hides everything below it (kernel, `overlayfs.rst`). */
const opaqueMarks = ["trusted.overlay.opaque", "user.overlay.opaque"];

function fifoError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}

function loadKernelCalls(): KernelCalls | null {
  // Undefined in a Node that lacks the module or was started without --experimental-ffi.
  const ffi = process.getBuiltinModule("node:ffi") as typeof Ffi | undefined;
  if (ffi === undefined) return null;
  try {
    const { functions } = ffi.dlopen(null, {
      mkfifo: { arguments: ["string", "u32"], return: "i32" },
      fcntl: { arguments: ["i32", "i32", "i32"], return: "i32" },
      lgetxattr: { arguments: ["string", "string", "pointer", "u64"], return: "i64" },
    });
    return {
      mkfifo: (path, mode) => functions.mkfifo(path, mode),
      fcntl: (fd, command, argument) => functions.fcntl(fd, command, argument),
      // No buffer: the kernel answers with the size alone.
      attributeSize: (path, name) => Number(functions.lgetxattr(path, name, 0n, 0n)),
    };
  } catch {
    // A libc without these symbols in the process image (static builds): the programs do it.
    return null;
  }
}
