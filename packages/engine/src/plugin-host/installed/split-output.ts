import { readMark } from "@pouchcontainer/plugin-sdk/host";
import type { PassThrough, Readable } from "node:stream";

/** Characters of a line without an end that are waited for. */
const mostHeld = 128 * 1024;

/**
 * Passes each line of the output of a process that plugins share to the stream of the plugin whose mark it bears, and what bears none to
 * `unmarked`. A stream that is full holds all of the output up, as where a plugin has a process of its own.
 */
export function splitOutput(output: Readable, streamOf: (key: string) => PassThrough | undefined, unmarked: PassThrough): void {
  const full = new Set<PassThrough>();
  let held = "";

  const pass = (line: string, stream: PassThrough): void => {
    if (stream.writable && !stream.write(`${line}\n`) && !full.has(stream)) {
      full.add(stream);
      output.pause();
      const goOn = (): void => {
        if (full.delete(stream) && full.size === 0) output.resume();
      };
      stream.once("drain", goOn).once("close", goOn);
    }
  };
  const passLine = (line: string): void => {
    const mark = readMark(line);
    const stream = mark === undefined ? undefined : streamOf(mark.key);
    if (mark?.isEnd === true) stream?.end();
    else pass(mark?.text ?? line, stream ?? unmarked);
  };
  output.setEncoding("utf8").on("data", (text: string) => {
    const lines = (held + text).split("\n");
    held = lines.pop() ?? "";
    if (held.length > mostHeld) lines.push(held.slice(0, mostHeld));
    held = held.length > mostHeld ? held.slice(mostHeld) : held;
    for (const line of lines) passLine(line);
  });
  output.once("close", () => {
    if (held !== "") passLine(held);
    unmarked.end();
  });
}
