import { parseRfc3339, rfc3339NanoFixed } from "../clock.ts";

/** One entry of a json-file log. */
export interface LogEntry {
  log: string;
  stream: "stdout" | "stderr";
  time: string;
  attrs?: Record<string, string>;
}

/** Undefined for a line that is no entry: a file damaged by a crash or by hand must not hide what is left of it. */
export function parseEntry(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is LogEntry {
  if (typeof value !== "object" || value === null) return false;
  // Read only, each field checked.
  const entry = value as Partial<Record<keyof LogEntry, unknown>>;
  return (
    typeof entry.log === "string" && typeof entry.time === "string" && (entry.stream === "stdout" || entry.stream === "stderr")
  );
}

export function timeOf(entry: LogEntry): bigint {
  return parseRfc3339(entry.time) ?? 0n;
}

/** What the client sees of an entry. */
export function renderEntry(entry: LogEntry, options: { timestamps: boolean; details: boolean }): string {
  const details = options.details ? `${renderAttrs(entry.attrs ?? {})} ` : "";
  return options.timestamps ? `${rfc3339NanoFixed(timeOf(entry))} ${details}${entry.log}` : details + entry.log;
}

function renderAttrs(attrs: Record<string, string>): string {
  return Object.keys(attrs)
    .sort()
    .map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(attrs[name] ?? "")}`)
    .join(",");
}
