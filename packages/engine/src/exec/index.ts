export type { RunSyncOptions, RunSyncResult } from "./collect-output.ts";
export { ExecManager } from "./exec-manager.ts";
