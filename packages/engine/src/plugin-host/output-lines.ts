import type { Readable } from "node:stream";

/** Characters of a line that are kept. */
const keptCharacters = 8192;

/**
 * Calls `write` with each line of a program's output, the last one also without an end. Of a longer line the rest is left out, so that
 * a program that never ends its line costs no more memory than one that does. The stream's errors are its owner's.
 */
export function readOutputLines(output: Readable, write: (line: string) => void): void {
  let line = "";
  const end = (): void => {
    const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
    line = "";
    write(whole);
  };
  output.setEncoding("utf8").on("data", (text: string) => {
    for (const [index, part] of text.split("\n").entries()) {
      if (index > 0) end();
      line += part.slice(0, keptCharacters - line.length);
    }
  });
  output.once("close", () => {
    if (line !== "") end();
  });
}
