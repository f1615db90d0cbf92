import { readFileSync, writeFileSync } from "node:fs";
import { CliError, messageOf } from "./cli-error.ts";
import type { CliContext } from "./context.ts";

/** What somebody who typed a path understands; of other failures the system's own words. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "something is there already",
  EISDIR: "it is a folder",
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of its path is no folder",
};

/** The failure of work on a path that was typed. `work`: such as `read`. */
export function pathFailure(work: string, path: string, error: unknown): CliError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return new CliError(`cannot ${work} ${path}: ${reasons[code] ?? messageOf(error)}`, { cause: error });
}

/** The text of a file, or for `-` of standard input. */
export async function readNamed(context: CliContext, path: string): Promise<string> {
  if (path !== "-") {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw pathFailure("read", path, error);
    }
  }
  let text = "";
  for await (const chunk of context.stdin()) text += String(chunk);
  return text;
}

/** Writes a file that root alone may read. */
export function writeNamed(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw pathFailure("write", path, error);
  }
}
