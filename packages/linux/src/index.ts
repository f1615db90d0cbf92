export { Linux, type LinuxOptions } from "./linux.ts";
export { giveBackFilePages } from "./give-back-file-pages.ts";
