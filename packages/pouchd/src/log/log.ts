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

const keptBytes = 1 << 20;

/** JSON lines on standard error, written at once: the last line before a crash is there. */
export function createLog(level: string): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination(),
  );
  const at =
    (write: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: Fields = {}) =>
      logger[write](plain(fields), withoutCredentials(message));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A full disk behind it costs no more than lines: they are kept, some of them, until there is room. */
function destination(): ReturnType<typeof pino.destination> {
  const stderr = pino.destination({ fd: 2, sync: true, maxLength: keptBytes });
  // There is no other place to say it.
  stderr.on("error", () => undefined);
  return stderr;
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
