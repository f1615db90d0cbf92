import { CliError, DaemonError, messageOf, UsageError } from "./cli-error.ts";
import type { CliContext } from "./context.ts";

type Action = (name: string) => Promise<string>;

/**
 * Does one thing to all names at once, prints in their order what it returns, reports failures and goes on; the exit status says
 * whether all went well.
 */
export async function forEachName(context: CliContext, names: readonly string[], action: Action): Promise<number> {
  const results = await Promise.allSettled(names.map(action));
  return results.reduce((status, result) => report(context, result) || status, 0);
}

/** The same to one name after another, each printed when it is done: for what may depend on those before it. */
export async function forEachNameInTurn(context: CliContext, names: readonly string[], action: Action): Promise<number> {
  let status = 0;
  for (const name of names) {
    const [result] = await Promise.allSettled([action(name)]);
    status = report(context, result) || status;
  }
  return status;
}

/** Exit status of one name. */
function report(context: CliContext, result: PromiseSettledResult<string>): number {
  if (result.status === "fulfilled") {
    if (result.value !== "") context.out.write(`${result.value}\n`);
    return 0;
  }
  const { reason }: { reason: unknown } = result;
  // A daemon that is not there is one failure, not one for each name.
  if (reason instanceof CliError && !(reason instanceof DaemonError || reason instanceof UsageError)) throw reason;
  context.err.write(`${messageOf(reason)}\n`);
  return 1;
}

/**
 * An id or name as a part of a URL's path; what image names are made of (`/`, `:`, `@`) stays readable, as Docker's client sends it. Without
 * a name it would be the path of something else.
 */
export function inPath(name: string): string {
  if (name === "") throw new UsageError("a name is empty");
  return encodeURIComponent(name).replaceAll(/%(2F|3A|40)/g, (code) => decodeURIComponent(code));
}
