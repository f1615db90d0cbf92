import { statSync } from "node:fs";
import { isSea } from "node:sea";

/**
 * How this very executable is run in another role: as it is, or from source by the Node that runs us. Its file may be removed, or
 * be another version's by now, while this process lives: the command is looked up at each start.
 */
export function ownCommand(...args: string[]): { readonly command: string; readonly args: string[] } {
  const self = isSea() ? [] : [...process.execArgv, process.argv[1] ?? ""];
  return {
    get command() {
      return ownExecutable();
    },
    args: [...self, ...args],
  };
}

/** By its name, which people see in `ps`, as long as that is it; else by the kernel's hold on it. */
function ownExecutable(): string {
  // Not "self": a shell may stand between.
  const held = `/proc/${process.pid}/exe`;
  const [own, named] = [held, process.execPath].map((path) => statSync(path, { throwIfNoEntry: false }));
  return own && (own.ino !== named?.ino || own.dev !== named.dev) ? held : process.execPath;
}
