import type * as Ffi from "node:ffi";

/** `mallopt(3)`: how many arenas malloc may make. */
const arenaMax = -8;

/**
 * Keeps malloc to one arena: by default each of Node's helper threads gets its own and keeps what it once needed, some megabytes in
 * all. To be called before those threads have work.
 */
export function oneMallocArena(): void {
  // Undefined in a Node that lacks the module or was started without --experimental-ffi: then the default stays.
  const ffi = process.getBuiltinModule("node:ffi") as typeof Ffi | undefined;
  if (ffi === undefined) return;
  try {
    ffi.dlopen(null, { mallopt: { arguments: ["i32", "i32"], return: "i32" } }).functions.mallopt(arenaMax, 1);
  } catch {
    // Another libc than glibc has no arenas to limit.
  }
}
