import type * as Ffi from "node:ffi";

/** Node's foreign function interface; undefined in a Node that lacks it or was started without `--experimental-ffi`. */
export function foreignFunctions(): typeof Ffi | undefined {
  // Asked for instead of imported: an import of a module that is not there would end the process.
  return process.getBuiltinModule("node:ffi") as typeof Ffi | undefined;
}
