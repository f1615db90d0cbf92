export * from "./events/index.ts";
export * from "./images/index.ts";
export * from "./networks/index.ts";
export * from "./plugin-host/index.ts";
export * from "./store/index.ts";
export * from "./system/index.ts";
export * from "./volumes/index.ts";
