import { Libc } from "./libc.ts";

/** `mallopt(3)`: how many arenas malloc may make. */
const arenaMax = -8;

/**
 * Keeps malloc to one arena: by default each of Node's helper threads gets its own and keeps what it once needed, some megabytes in
 * all. To be called before those threads have work.
 */
export function oneMallocArena(): void {
  try {
    Libc.load()?.attempt("mallopt", arenaMax, 1);
  } catch {
    // Another libc than glibc has no arenas to limit.
  }
}
