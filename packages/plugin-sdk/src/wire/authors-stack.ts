import { getCallSites } from "node:util";

/** An error's stack as the author of a plugin can use it: without frames of the daemon and of Node. Undefined for what has none. */
export function authorsStack(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== "string") return undefined;
  const lines = error.stack.split("\n");
  return lines.filter((line) => !isForeign(line)).join("\n");
}

function isForeign(line: string): boolean {
  return /^\s+at /.test(line) && (/[( ]node:/.test(line) || line.includes(`${ownScript()}:`));
}

/** In the executable all of the daemon is one script. */
function ownScript(): string {
  return getCallSites(1)[0]?.scriptName ?? "";
}
