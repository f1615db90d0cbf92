import { readdirSync } from "node:fs";
import { Libc } from "./libc.ts";

/** `fcntl(2)`: the flags of a descriptor, of which there is one. */
const setDescriptorFlags = 2;
const closeOnExec = 1;
const lastOfStandardStreams = 2;

/**
 * Keeps what whoever started this process left open from the programs that it starts: they get their standard streams, and what they are
 * given. To be called before any is started. Without `node:ffi` nothing happens.
 */
export function keepInheritedFiles(): void {
  const libc = Libc.load();
  if (libc === undefined) return;
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    // That of the list itself is closed by now, and nothing comes of it.
    if (fd > lastOfStandardStreams) libc.attempt("fcntl", fd, setDescriptorFlags, closeOnExec);
  }
}
