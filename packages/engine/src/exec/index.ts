export { ExecManager } from "./exec-manager.ts";
