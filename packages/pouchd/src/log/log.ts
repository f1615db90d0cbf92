import { withoutCredentials, withoutSecrets } from "@pouchcontainer/api";
import { pino } from "pino";

export type Fields = Record<string, unknown>;

/** What the rooms write to: a sentence and the facts it is about. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** JSON lines on standard error, written at once: the last line before a crash is there. */
export function createLog(level: string): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ fd: 2, sync: true }),
  );
  const at =
    (write: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: Fields = {}) =>
      logger[write](plain(fields), withoutCredentials(message));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Errors do not serialise by themselves: their message and the causes' are what a reader needs. */
function plain(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? withoutCredentials(value.stack ?? value.message) : withoutSecrets(value, [key]),
    ]),
  );
}
