import type * as Ffi from "node:ffi";

/** libuv's number of the handle type `uv_poll_t`. */
const pollHandle = 8;
/** libuv's `UV_READABLE`. */
const readable = 1;

/** Tells when a descriptor has something to read, without reading it. */
export interface ReadableWatch {
  pause(): void;
  resume(): void;
  /** The descriptor may be closed afterwards. */
  close(): void;
}

interface Handle {
  address: bigint;
  /** The handle itself: the loop works in this memory until it says that it is done. */
  memory: ArrayBuffer;
  onReadable: () => void;
}

interface LoopCalls {
  uv_poll_init(loop: bigint, handle: bigint, fd: number): number;
  uv_poll_start(handle: bigint, events: number, callback: bigint): number;
  uv_poll_stop(handle: bigint): number;
  uv_close(handle: bigint, callback: bigint): void;
}

/** Watches descriptors with the event loop's own poll handles: Node has them, but no name for them. */
export class ReadableWatcher {
  readonly #calls: LoopCalls;
  readonly #loop: bigint;
  readonly #handleBytes: number;
  readonly #handles = new Map<bigint, Handle>();
  readonly #polled: bigint;
  readonly #closed: bigint;

  /** Throws where this Node has no event loop to call into. */
  constructor(ffi: typeof Ffi) {
    const { functions, lib } = ffi.dlopen(null, {
      uv_handle_size: { arguments: ["i32"], return: "u64" },
      uv_poll_init: { arguments: ["u64", "u64", "i32"], return: "i32" },
      uv_poll_start: { arguments: ["u64", "i32", "u64"], return: "i32" },
      uv_poll_stop: { arguments: ["u64"], return: "i32" },
      uv_close: { arguments: ["u64", "u64"], return: "void" },
    });
    this.#calls = functions;
    this.#handleBytes = Number(functions.uv_handle_size(pollHandle));
    this.#loop = ffi.getCurrentEventLoop();
    this.#address = (memory) => ffi.getRawPointer(memory);
    this.#polled = lib.registerCallback({ arguments: ["u64", "i32", "i32"], return: "void" }, (address: bigint) => {
      this.#handles.get(address)?.onReadable();
      this.#letPromisesRun();
    });
    this.#closed = lib.registerCallback({ arguments: ["u64"], return: "void" }, (address: bigint) => {
      this.#handles.delete(address);
    });
  }

  readonly #address: (memory: ArrayBuffer) => bigint;
  #turnAsked = false;

  /** The loop called us without Node knowing: what waits on promises would wait until something else happens in this process. */
  #letPromisesRun(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    setImmediate(() => (this.#turnAsked = false));
  }

  /** Calls `onReadable`, which must not throw, as long as there is something to read or the end of it. */
  watch(fd: number, onReadable: () => void): ReadableWatch {
    const memory = new ArrayBuffer(this.#handleBytes);
    const handle: Handle = { address: this.#address(memory), memory, onReadable };
    const { address } = handle;
    const calls = this.#calls;
    check(calls.uv_poll_init(this.#loop, address, fd), "uv_poll_init");
    this.#handles.set(address, handle);
    const start = (): void => check(calls.uv_poll_start(address, readable, this.#polled), "uv_poll_start");
    start();
    let closed = false;
    return {
      pause: () => {
        if (!closed) calls.uv_poll_stop(address);
      },
      resume: () => {
        if (!closed) start();
      },
      close: () => {
        if (closed) return;
        closed = true;
        handle.onReadable = () => undefined;
        calls.uv_close(address, this.#closed);
      },
    };
  }
}

function check(result: number, call: string): void {
  if (result < 0) throw new Error(`${call} failed with ${result}`);
}
