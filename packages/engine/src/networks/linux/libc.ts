import { internal } from "@pouchcontainer/errors";
import type Ffi from "node:ffi";
import { getSystemErrorMap } from "node:util";

/** A system call that failed: `code` as Node's own errors have it. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, "unknown error"];
    super(`${code}: ${text}, ${call}`);
    this.name = "SystemCallError";
    this.code = code;
    this.errno = errno;
  }
}

const signatures = {
  unshare: { arguments: ["i32"], return: "i32" },
  setns: { arguments: ["i32", "i32"], return: "i32" },
  mount: { arguments: ["string", "string", "string", "u64", "pointer"], return: "i32" },
  umount2: { arguments: ["string", "i32"], return: "i32" },
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
  bind: { arguments: ["i32", "buffer", "u32"], return: "i32" },
  listen: { arguments: ["i32", "i32"], return: "i32" },
  setsockopt: { arguments: ["i32", "i32", "i32", "buffer", "u32"], return: "i32" },
  send: { arguments: ["i32", "buffer", "u64", "i32"], return: "i64" },
  recv: { arguments: ["i32", "buffer", "u64", "i32"], return: "i64" },
  ioctl: { arguments: ["i32", "u64", "buffer"], return: "i32" },
  getsockname: { arguments: ["i32", "buffer", "buffer"], return: "i32" },
  __errno_location: { arguments: [], return: "pointer" },
} as const;

type Call = Exclude<keyof typeof signatures, "__errno_location">;

/**
 * The few system calls Node has no function for. They run on the calling thread and return at once: nothing of the event
 * loop runs between two of them, which is what makes entering a namespace and coming back safe.
 */
export class Libc {
  readonly #functions: Record<keyof typeof signatures, (...values: unknown[]) => unknown>;
  readonly #ffi: typeof Ffi;

  constructor() {
    // Undefined in a Node that lacks the module or was started without the flag.
    const ffi = process.getBuiltinModule("node:ffi") as typeof Ffi | undefined;
    if (ffi === undefined)
      throw internal("networks need Node's foreign function interface: start the daemon with --experimental-ffi");
    this.#ffi = ffi;
    // The library gives functions as the signatures above say; the call below checks what they return.
    this.#functions = ffi.dlopen(null, signatures).functions as never;
  }

  call(name: Call, ...values: unknown[]): number {
    const result = Number(this.#functions[name](...values));
    if (result >= 0) return result;
    throw new SystemCallError(name, this.#ffi.getInt32(this.#functions.__errno_location() as bigint, 0));
  }
}

/** Values of <sched.h>, <sys/mount.h>, <sys/socket.h> on Linux. */
export const linux = {
  CLONE_NEWNET: 0x4000_0000,
  MS_BIND: 4096n,
  MNT_DETACH: 2,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  MSG_DONTWAIT: 0x40,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  IPPROTO_SCTP: 132,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  SIOCSIFFLAGS: 0x8914n,
  IFF_UP: 1,
} as const;
