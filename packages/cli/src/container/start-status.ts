import { CliError, DaemonError, messageOf } from "../cli-error.ts";

/** The exit status of `run` when the container could not be started: 127 no such command, 126 not executable, 125 anything else. */
export function startStatus(message: string): number {
  const text = message.toLowerCase();
  if (text.includes("permission denied") || text.includes("is a directory")) return 126;
  const missing = ["executable file not found", "no such file or directory", "system cannot find the file specified"];
  return missing.some((one) => text.includes(one)) ? 127 : 125;
}

/** A failure before or at the start of a container, with the exit status and the prefix `run` promises. */
export function asStartFailure(error: unknown, command: string, status = startStatus(messageOf(error))): CliError {
  if (error instanceof CliError && !(error instanceof DaemonError) && error.exitCode !== 1) return error;
  const hint =
    error instanceof CliError && error.hint !== undefined ? error.hint : `Run 'pouch ${command} --help' for more information`;
  return new CliError(`pouch: ${messageOf(error)}`, { exitCode: status, hint, cause: error });
}
