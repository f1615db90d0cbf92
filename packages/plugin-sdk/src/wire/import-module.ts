import { readFileSync, realpathSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { authorsStack } from "./authors-stack.ts";

/**
 * Imports a plugin's module, `main` of its package in `directory`. Where Node finds an error of syntax in an ES module, it says in no stack
 * where that is; the one that is thrown has file, line and source.
 */
export async function importModule(directory: string, main: string): Promise<void> {
  const read = new Set<string>();
  const hooks = registerHooks({
    load: (url, context, next) => {
      read.add(url);
      return next(url, context);
    },
  });
  try {
    await import(pathToFileURL(join(directory, main)).href);
  } catch (error) {
    if (error instanceof SyntaxError && isWithoutPlace(error)) tellPlace(error, directory, read);
    throw error;
  } finally {
    hooks.deregister();
  }
}

/** Neither a line of source, which is above the message, nor a frame. */
function isWithoutPlace(error: SyntaxError): boolean {
  const stack = authorsStack(error) ?? "";
  return stack.startsWith("SyntaxError") && !/^\s+at /m.test(stack);
}

/** Plugins that share the process may be read at the same time: only what is in the folder is looked at. */
function tellPlace(error: SyntaxError, directory: string, read: ReadonlySet<string>): void {
  const own = `${pathToFileURL(realpathSync(directory)).href}/`;
  for (const url of read) {
    const place = url.startsWith(own) && /\.m?js$/.test(url) ? placeIn(url) : undefined;
    if (place === undefined) continue;
    error.stack = `${place}\n${error.stack ?? ""}`;
    return;
  }
}

/** File, line and source of the first error of syntax, by the parser that takes types out: the engine's own keeps to itself where it was. */
function placeIn(url: string): string | undefined {
  try {
    stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"), { sourceUrl: url });
    return undefined;
  } catch (error) {
    return error instanceof Error ? /^.*?(?=^SyntaxError)/ms.exec(error.stack ?? "")?.[0].trimEnd() : undefined;
  }
}
