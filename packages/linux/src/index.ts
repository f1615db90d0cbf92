export { Linux, type LinuxOptions } from "./linux.ts";
