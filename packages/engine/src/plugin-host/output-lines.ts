import type { Readable } from "node:stream";

/** Characters of a line that are kept. */
const keptCharacters = 8192;
/** What is read is measured in times of this length. */
const windowMs = 1000;
/** Lines that are written in one window; of more, the last one is, and the rest is counted. */
const maxLines = 500;
/** Characters that are read in one window: a program that writes more waits for the next one. */
const maxCharacters = 1024 * 1024;

/**
 * Calls `write` with each line of a program's output, the last one also without an end. Of a longer line the rest is left out and counted, so that
 * a program that never ends its line costs no more memory than one that does, and of a flood of lines all but the first and the last of
 * each second, so that it costs nobody else the event loop. The stream's errors are its owner's.
 */
export function readOutputLines(output: Readable, write: (line: string) => void): void {
  let line = "";
  let leftOfLine = 0;
  let lines = 0;
  let characters = 0;
  let last = "";
  let timer: NodeJS.Timeout | undefined;

  const endWindow = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const leftOut = lines - maxLines - 1;
    if (leftOut > 0) write(`${leftOut} ${leftOut === 1 ? "line" : "lines"} left out: more than ${maxLines} in a second`);
    if (leftOut >= 0) write(last);
    lines = 0;
    characters = 0;
    output.resume();
  };
  const endLine = (): void => {
    const cut = leftOfLine === 0 ? line : `${line}… (${leftOfLine} more characters)`;
    const whole = cut.endsWith("\r") ? cut.slice(0, -1) : cut;
    line = "";
    leftOfLine = 0;
    lines += 1;
    if (lines <= maxLines) write(whole);
    else last = whole;
  };
  output.setEncoding("utf8").on("data", (text: string) => {
    timer ??= setTimeout(endWindow, windowMs);
    characters += text.length;
    for (const [index, part] of text.split("\n").entries()) {
      if (index > 0) endLine();
      const kept = part.slice(0, keptCharacters - line.length);
      line += kept;
      leftOfLine += part.length - kept.length;
    }
    if (characters >= maxCharacters) output.pause();
  });
  output.once("close", () => {
    if (line !== "") endLine();
    endWindow();
  });
}
