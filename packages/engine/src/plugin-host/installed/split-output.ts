import { readMark } from "@pouchcontainer/plugin-sdk/host";
import type { PassThrough, Readable } from "node:stream";

/** Characters of a line without an end that are waited for. */
const mostHeld = 128 * 1024;

export interface SplitOutput {
  /** Of a plugin, by its key; undefined for one that is not there any more. */
  streamOf: (key: string) => PassThrough | undefined;
  /** Told whose code ended the process. */
  endedBy: (key: string) => void;
  /** Takes what is nobody's. */
  unmarked: PassThrough;
}

/**
 * Passes each line of the output of a process that plugins share to the stream of the plugin whose mark it bears, and what bears none to
 * `unmarked`. A stream that is full holds all of the output up, as where a plugin has a process of its own.
 */
export function splitOutput(output: Readable, { streamOf, endedBy, unmarked }: SplitOutput): void {
  const full = new Set<PassThrough>();
  let held = "";

  const pass = (line: string, stream: PassThrough): void => {
    if (stream.write(`${line}\n`) || full.has(stream)) return;
    full.add(stream);
    output.pause();
    const goOn = (): void => {
      if (full.delete(stream) && full.size === 0) output.resume();
    };
    stream.once("drain", goOn).once("close", goOn);
  };
  const passLine = (line: string): void => {
    const mark = readMark(line);
    const stream = mark === undefined ? undefined : streamOf(mark.key);
    if (mark === undefined) pass(line, unmarked);
    else if (mark.says === "words") pass(mark.words, stream?.writable ? stream : unmarked);
    else if (mark.says === "no more") stream?.end();
    else endedBy(mark.key);
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
