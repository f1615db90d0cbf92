export { linux } from "./constants.ts";
export { giveBackFilePages } from "./give-back-file-pages.ts";
export { keepInheritedFiles } from "./keep-inherited-files.ts";
export { Libc } from "./libc.ts";
export { Linux, opaqueMark, type LinuxOptions } from "./linux.ts";
export { oneMallocArena } from "./one-malloc-arena.ts";
export type { ReadableWatch } from "./readable-watch.ts";
export { SystemCallError } from "./system-call-error.ts";
