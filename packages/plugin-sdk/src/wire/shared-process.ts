/**
 * What the daemon asks a process that plugins share, besides what it asks each of them on a socket of its own. Both are the same executable:
 * no plugin speaks this.
 */
export const sharedProcessPaths = {
  /** Answered as soon as the process listens. */
  hello: "/Process.Hello",
  /** Lets a plugin listen on its sockets: a `TakeRequest`. */
  take: "/Process.Take",
  /** Closes them, a `LetGoRequest`. Its code stays in memory, and what it began and did not end goes on. */
  letGo: "/Process.LetGo",
} as const;

/** What stands in the place of a plugin's folder where a process is started that none has to itself. */
export const sharedProcessArgument = "--shared";

export interface TakeRequest {
  /** What its output is known by. */
  key: string;
  name: string;
  /** Folder of its package.json. */
  directory: string;
  socketPath: string;
  hostSocket: string;
  /** What it may read of, by the names in its manifest. */
  environment: Record<string, string>;
}

export interface LetGoRequest {
  key: string;
}

/** What no text has: before the key of a plugin, and behind it where a line of that follows, there are no more, or it ended the process. */
const [beforeKey, behindKey, noMore, endedAll] = ["\u001e", "\u001f", "\u0004", "\u0018"];

/** A line of output as one plugin's. */
export function markedLine(key: string, line: string): string {
  return `${beforeKey}${key}${behindKey}${line}\n`;
}

/** The end of a plugin's output. */
export function endOfLines(key: string): string {
  return `${beforeKey}${key}${noMore}\n`;
}

/** Says whose code ended the process. */
export function endedBy(key: string): string {
  return `${beforeKey}${key}${endedAll}\n`;
}

/** What a line of output says: a plugin's own words, or about it. */
export type MarkedLine = { key: string; says: "words"; words: string } | { key: string; says: "no more" | "ended the process" };

/** Undefined for a line that code wrote which knows nothing of marks. */
export function readMark(line: string): MarkedLine | undefined {
  if (!line.startsWith(beforeKey)) return undefined;
  const at = line.indexOf(behindKey);
  if (at !== -1) return { key: line.slice(1, at), says: "words", words: line.slice(at + 1) };
  const key = line.slice(1, -1);
  if (line.endsWith(noMore)) return { key, says: "no more" };
  return line.endsWith(endedAll) ? { key, says: "ended the process" } : undefined;
}
