import { isSea } from "node:sea";

/** First argument that makes the executable the process of one installed plugin instead of the daemon. */
export const pluginChildArgument = "plugin-child";

/** How the process of the plugin in a folder is run: by this very executable, or from source by the Node that runs us. */
export function pluginChildCommand(directory: string): { command: string; args: string[] } {
  const self = isSea() ? [] : [...process.execArgv, process.argv[1] ?? ""];
  return { command: process.execPath, args: [...self, pluginChildArgument, directory] };
}
