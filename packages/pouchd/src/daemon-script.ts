import { Script } from "node:vm";

/** The daemon's bundle, a CommonJS module, as a function of `exports`, `require` and `module`. Compiled code is taken when it fits. */
export function daemonScript(source: string, cachedData?: Buffer): Script {
  return new Script(`(function (exports, require, module) {${source}\n})`, {
    filename: "pouchd.cjs",
    ...(cachedData && { cachedData }),
  });
}
