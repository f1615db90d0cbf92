export * from "./chain-id.ts";
export * from "./digest.ts";
export type * from "./image.ts";
export * from "./json-excess.ts";
export * from "./media-types.ts";
export * from "./parse-image.ts";
export * from "./platform.ts";
export * from "./reference.ts";
export * from "./runtime-spec.ts";
