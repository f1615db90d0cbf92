import type { CliContext } from "./context.ts";

/** Asks on the terminal; no answer is a no. */
export async function confirm(context: CliContext, question: string): Promise<boolean> {
  context.out.write(`${question} [y/N] `);
  return /^y(es)?$/i.test((await readLine(context)).trim());
}

/** One line of standard input. */
export async function readLine(context: CliContext): Promise<string> {
  let text = "";
  for await (const chunk of context.stdin()) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}
