import { invalidArgument, failedPrecondition } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import type { Container } from "./container.ts";
import { logFormat } from "./open-log.ts";
import { readLog, type LogOutput, type LogQuery } from "./logs/log-reader.ts";

/** What a container has written, and on request what it is going to write. */
export function containerLogs(
  container: Container,
  query: LogQuery,
  signal: AbortSignal,
): { tty: boolean; output: AsyncIterable<LogOutput> } {
  const { record, run } = container;
  if (!query.stdout && !query.stderr) throw invalidArgument("Bad parameters: you must choose at least one stream");
  if (record.logPath === "") throw failedPrecondition("configured logging driver does not support reading");
  const tty = record.config.Tty ?? false;
  if (!existsSync(record.logPath)) return { tty, output: empty() };
  return { tty, output: readLog(record.logPath, query, signal, run?.log, logFormat(record)) };
}

async function* empty(): AsyncGenerator<LogOutput, void, undefined> {
  // Never started: nothing was written.
}
