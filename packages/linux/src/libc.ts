import type * as Ffi from "node:ffi";
import { foreignFunctions } from "./foreign-functions.ts";
import { SystemCallError } from "./system-call-error.ts";

/**
 * The functions of libc we call, a line each, in the order of their names. Results are `i32` also where C says `long`: what we
 * ask for is far below 2 GiB, and a 64-bit result is made a BigInt before errno is read, which can run the garbage collector.
 */
const signatures = {
  bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
  chroot: { arguments: ["string"], return: "i32" },
  connect: { arguments: ["i32", "buffer", "u32"], return: "i32" },
  fchdir: { arguments: ["i32"], return: "i32" },
  fcntl: { arguments: ["i32", "i32", "i32"], return: "i32" },
  fgetxattr: { arguments: ["i32", "string", "buffer", "u64"], return: "i32" },
  flistxattr: { arguments: ["i32", "buffer", "u64"], return: "i32" },
  fsetxattr: { arguments: ["i32", "string", "buffer", "u64", "i32"], return: "i32" },
  futimens: { arguments: ["i32", "buffer"], return: "i32" },
  getsockname: { arguments: ["i32", "buffer", "buffer"], return: "i32" },
  ioctl: { arguments: ["i32", "u64", "buffer"], return: "i32" },
  lgetxattr: { arguments: ["string", "string", "pointer", "u64"], return: "i32" },
  listen: { arguments: ["i32", "i32"], return: "i32" },
  llistxattr: { arguments: ["string", "buffer", "u64"], return: "i32" },
  lsetxattr: { arguments: ["string", "string", "buffer", "u64", "i32"], return: "i32" },
  madvise: { arguments: ["u64", "u64", "i32"], return: "i32" },
  mallopt: { arguments: ["i32", "i32"], return: "i32" },
  mkfifo: { arguments: ["string", "u32"], return: "i32" },
  mknod: { arguments: ["string", "u32", "u64"], return: "i32" },
  mount: { arguments: ["string", "string", "string", "u64", "pointer"], return: "i32" },
  mount_setattr: { arguments: ["i32", "string", "u32", "buffer", "u64"], return: "i32" },
  move_mount: { arguments: ["i32", "string", "i32", "string", "u32"], return: "i32" },
  open_tree: { arguments: ["i32", "string", "u32"], return: "i32" },
  openat: { arguments: ["i32", "string", "i32"], return: "i32" },
  recv: { arguments: ["i32", "buffer", "u64", "i32"], return: "i32" },
  send: { arguments: ["i32", "buffer", "u64", "i32"], return: "i32" },
  setns: { arguments: ["i32", "i32"], return: "i32" },
  setsockopt: { arguments: ["i32", "i32", "i32", "buffer", "u32"], return: "i32" },
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
  splice: { arguments: ["i32", "u64", "i32", "pointer", "u64", "u32"], return: "i32" },
  umount2: { arguments: ["string", "i32"], return: "i32" },
  unshare: { arguments: ["i32"], return: "i32" },
  utimensat: { arguments: ["i32", "string", "buffer", "i32"], return: "i32" },
} as const;

type Signatures = typeof signatures;
type Call = keyof Signatures;
type Arguments<C extends Call> = Parameters<Ffi.WrappedFunctionFromSignature<Signatures[C]>>;

/**
 * The few system calls Node has no function for. They run on the calling thread and return at once: nothing of the event
 * loop runs between two of them, which is what makes entering a namespace and coming back safe.
 *
 * An error's code is errno as the thread had it right after the call. It is nearly always the call's own: in 11 million
 * failing calls under constant garbage collection it was lost in none (with 64-bit results in one of 7 million, to the
 * collector's own EAGAIN). Where a wrong code would do harm, ask the kernel again in another way.
 */
export class Libc {
  readonly #ffi: typeof Ffi;
  readonly #library: Ffi.DynamicLibrary;
  readonly #functions = new Map<Call, unknown>();
  readonly #errno: bigint;

  private constructor(ffi: typeof Ffi) {
    this.#ffi = ffi;
    this.#library = new ffi.DynamicLibrary(null);
    // Asked once: the answer is a BigInt, which between a call and the look at errno could run the garbage collector.
    this.#errno = this.#library.getFunction("__errno_location", { arguments: [], return: "pointer" })();
  }

  /** The libc of this process, for the calling thread; undefined where Node cannot call it, or it is linked in statically. */
  static load(): Libc | undefined {
    const ffi = foreignFunctions();
    if (ffi === undefined) return undefined;
    try {
      return new Libc(ffi);
    } catch {
      return undefined;
    }
  }

  /** What the call returned; throws a `SystemCallError` when that is negative. */
  call<C extends Call>(name: C, ...values: Arguments<C>): number {
    const result = this.#function(name)(...values);
    if (result < 0) throw new SystemCallError(name, this.#ffi.getInt32(this.#errno, 0));
    return result;
  }

  /** What the call returned, also when it failed; throws only when this libc lacks the function. */
  attempt<C extends Call>(name: C, ...values: Arguments<C>): number {
    return this.#function(name)(...values);
  }

  #function<C extends Call>(name: C): (...values: Arguments<C>) => number {
    let found = this.#functions.get(name);
    if (found === undefined) this.#functions.set(name, (found = this.#library.getFunction(name, signatures[name])));
    // What the map holds under a name was made from that name's signature, one line above.
    return found as (...values: Arguments<C>) => number;
  }
}
