export { readMachine } from "./machine.ts";
export type { Machine } from "./machine.ts";
export { ProgramVersions } from "./program-versions.ts";
export { SystemManager } from "./system-manager.ts";
export type { SystemDeps, SystemSettings } from "./system-deps.ts";
