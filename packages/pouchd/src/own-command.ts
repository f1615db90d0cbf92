import { isSea } from "node:sea";

/** How this very executable is run in another role: as it is, or from source by the Node that runs us. */
export function ownCommand(...args: string[]): { command: string; args: string[] } {
  const self = isSea() ? [] : [...process.execArgv, process.argv[1] ?? ""];
  return { command: process.execPath, args: [...self, ...args] };
}
