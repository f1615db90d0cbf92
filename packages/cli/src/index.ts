export { runCli } from "./cli.ts";
export type { CliHost, GlobalValues } from "./cli.ts";
export { commandReference } from "./command-reference.ts";
export { commandTable } from "./command-table.ts";
export { completionScript, shells } from "./completion.ts";
export type { CliContext } from "./context.ts";
export { EngineClient } from "./client/engine-client.ts";
