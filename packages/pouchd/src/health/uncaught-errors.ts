import { catchLostErrors } from "@pouchcontainer/owners";
import type { Log } from "../log/log.ts";

/**
 * The daemon's safety net: an error that nobody caught is logged with its stack and the operation it belongs to, counted, and the
 * daemon serves on. The operations that run beside it did nothing wrong; the count is what an operator alerts on, since after an
 * error in an unknown place a resource of that operation may be left.
 */
export class UncaughtErrors {
  readonly #counts = { background: 0, uncaughtException: 0, unhandledRejection: 0 };

  constructor(log: Log) {
    catchLostErrors(({ error, origin, operation }) => {
      this.#counts[origin] += 1;
      log.error("an error was caught by nobody", { origin, operation, error });
    });
  }

  /** For `/metrics`. */
  text(): string {
    const name = "pouch_uncaught_errors_total";
    return [
      `# HELP ${name} Errors that nobody caught: each is a defect, logged with its stack.`,
      `# TYPE ${name} counter`,
      ...Object.entries(this.#counts).map(([origin, count]) => `${name}{origin="${origin}"} ${count}`),
      "",
    ].join("\n");
  }
}
