import { CliError, DaemonError, messageOf } from "./cli-error.ts";
import type { CliContext } from "./context.ts";

/** Does one thing to each name, prints what it returns, reports failures and goes on; the exit status says whether all went well. */
export async function forEachName(
  context: CliContext,
  names: readonly string[],
  action: (name: string) => Promise<string>,
): Promise<number> {
  const results = await Promise.allSettled(names.map(action));
  let status = 0;
  for (const result of results) {
    if (result.status === "fulfilled") {
      if (result.value !== "") context.out.write(`${result.value}\n`);
      continue;
    }
    const { reason }: { reason: unknown } = result;
    // A daemon that is not there is one failure, not one for each name.
    if (reason instanceof CliError && !(reason instanceof DaemonError)) throw reason;
    context.err.write(`${messageOf(reason)}\n`);
    status = 1;
  }
  return status;
}

/** An id or name as a part of a URL's path; what image names are made of (`/`, `:`, `@`) stays readable, as Docker's client sends it. */
export const inPath = (name: string): string =>
  encodeURIComponent(name).replaceAll(/%(2F|3A|40)/g, (code) => decodeURIComponent(code));
