import { parseCriEntry } from "./cri-entry.ts";
import { criLogFiles } from "./cri-log-files.ts";
import { parseEntry, type LogEntry } from "./log-entry.ts";
import { logFilePaths } from "./log-files.ts";

/** What a reader has to know of a log's files. */
export interface LogFileFormat {
  parse(line: string): LogEntry | undefined;
  /** Its files, oldest first; the last is the current one. */
  paths(path: string): string[];
  /** What a line's characters are: text, or (latin1) one for each byte, so that what is no UTF-8 comes out as it went in. */
  encoding: "utf8" | "latin1";
}

export const jsonFileFormat: LogFileFormat = { parse: parseEntry, paths: logFilePaths, encoding: "utf8" };

export const criFormat: LogFileFormat = { parse: parseCriEntry, paths: criLogFiles, encoding: "latin1" };
