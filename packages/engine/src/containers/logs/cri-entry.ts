import type { LogEntry } from "./log-entry.ts";

/** One line of a log in CRI's format; undefined for a line that is none, as for other formats. Tags beyond the first are not known. */
export function parseCriEntry(line: string): LogEntry | undefined {
  const afterTime = line.indexOf(" ");
  const afterStream = line.indexOf(" ", afterTime + 1);
  const afterTag = line.indexOf(" ", afterStream + 1);
  if (afterTime <= 0 || afterStream === -1 || afterTag === -1) return undefined;
  const stream = line.slice(afterTime + 1, afterStream);
  const tag = line.slice(afterStream + 1, afterTag).split(":", 1)[0];
  if ((stream !== "stdout" && stream !== "stderr") || (tag !== "F" && tag !== "P")) return undefined;
  return { log: line.slice(afterTag + 1) + (tag === "F" ? "\n" : ""), stream, time: line.slice(0, afterTime) };
}
