export { Linux, type LinuxOptions } from "./linux.ts";
export { giveBackFilePages } from "./give-back-file-pages.ts";
export type { ReadableWatch } from "./readable-watch.ts";
export { oneMallocArena } from "./one-malloc-arena.ts";
