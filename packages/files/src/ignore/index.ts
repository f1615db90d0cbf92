export { BadGlob } from "./glob.ts";
export { IgnoreRules } from "./ignore-rules.ts";
