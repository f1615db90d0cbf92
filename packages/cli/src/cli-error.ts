/** A failure whose message is all the person needs: printed without a stack, with the exit status the command line promises. */
export class CliError extends Error {
  readonly exitCode: number;
  /** A second paragraph: what to do next. */
  readonly hint: string | undefined;

  constructor(message: string, options: { exitCode?: number; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CliError";
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

/** The command was typed wrongly: the usage line of that command is printed below the message. */
export class UsageError extends CliError {
  constructor(message: string, options: { exitCode?: number; hint?: string } = {}) {
    super(message, options);
    this.name = "UsageError";
  }
}

/** The daemon answered with an error status. */
export class DaemonError extends CliError {
  readonly status: number;
  readonly daemonMessage: string;

  constructor(status: number, message: string) {
    super(`Error response from daemon: ${message}`);
    this.name = "DaemonError";
    this.status = status;
    this.daemonMessage = message;
  }
}

/** Whether a thrown value is the daemon's answer with one of these HTTP statuses. */
export function isDaemonStatus(thrown: unknown, ...statuses: number[]): thrown is DaemonError {
  return thrown instanceof DaemonError && statuses.includes(thrown.status);
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
