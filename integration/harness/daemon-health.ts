import { existsSync, readFileSync } from "node:fs";
import { afterEach } from "node:test";

/** Watched from their start to the end of their check at the end of `asyncDispose`. */
const watched = new Set<DaemonHealth>();

// Under `node --test` every test of a file is judged, also where all share one daemon.
if (process.env["NODE_TEST_CONTEXT"] !== undefined) {
  afterEach(() => {
    for (const health of watched) {
      const finding = health.check();
      if (finding !== undefined) throw finding;
    }
  });
}

/**
 * No test passes under which the daemon died by itself, let an error go that nobody caught (that is a line of level error too), or
 * logged at level error what the test did not announce.
 */
export class DaemonHealth {
  readonly #log: string;
  #expected: RegExp[] = [];
  #deaths: string[] = [];
  /** Length of the log, in bytes, that was judged. */
  #read = 0;

  /** `log`: the daemon's file of log lines; those of several starts follow each other. */
  constructor(log: string) {
    this.#log = log;
    watched.add(this);
  }

  /** Lines of level error that match are right until the end of this test. */
  expectsErrors(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  /** The daemon ended though nobody asked it to. */
  died(how: string): void {
    this.#deaths.push(how);
  }

  /** What is wrong with the daemon since the last check. Each finding fails one test, that in which it was found. */
  check(): Error | undefined {
    const expected = this.#expected;
    this.#expected = [];
    const lines = this.#newLines();
    const findings = lines.filter((line) => isError(line) && !expected.some((pattern) => pattern.test(line)));
    for (const how of this.#deaths) findings.push(`it ended by itself (${how}); its log ends:`, ...lines.slice(-20));
    this.#deaths = [];
    if (findings.length === 0) return undefined;
    return new Error(`the daemon is not well (announce with expectsErrors what is right):\n${findings.join("\n")}`);
  }

  /** The last check. */
  finish(): Error | undefined {
    watched.delete(this);
    return this.check();
  }

  #newLines(): string[] {
    if (!existsSync(this.#log)) return [];
    const log = readFileSync(this.#log);
    const end = log.lastIndexOf("\n") + 1;
    const text = log.subarray(this.#read, end).toString();
    this.#read = end;
    return text.split("\n");
  }
}

/** A line of level error; what is no line of the log at all is Node's own word (a warning about a leak, a crash). */
function isError(line: string): boolean {
  if (line === "" || line.startsWith("pouchd: ")) return false;
  return !line.startsWith("{") || /^\{"level":"(error|fatal)"/.test(line);
}
