export { BuildManager } from "./build-manager.ts";
export type { BuildDeps, BuildRequest, BuildSink } from "./build-deps.ts";
