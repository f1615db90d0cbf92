import { constants, Script } from "node:vm";

/** What the build puts around the daemon's bundle, a CommonJS module, so that it is a function of what a module has. */
export const daemonScriptFrame = { banner: "(function (exports, require, module) {", footer: "})" };

/** The daemon's bundle in its frame. Compiled code is taken when it fits. Its `import()` is that of any module: by it plugins are loaded. */
export function daemonScript(framed: string, cachedData?: Buffer): Script {
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return new Script(framed, { filename: "pouchd.cjs", importModuleDynamically, ...(cachedData && { cachedData }) });
}
