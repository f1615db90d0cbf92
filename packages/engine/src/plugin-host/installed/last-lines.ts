import { EngineError } from "@pouchcontainer/errors";

/** Enough for a traceback. */
const mostLines = 20;
const mostBytes = 4096;

/** The last lines of what a program complains about: as many as fit, and the end of one that alone does not. */
export class LastLines {
  #lines: string[] = [];

  push(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > mostLines) this.#lines.shift();
  }

  get text(): string {
    const bytes = Buffer.from(this.#lines.join("\n"));
    if (bytes.length <= mostBytes) return bytes.toString();
    const end = bytes.subarray(-mostBytes).toString();
    const wholeLine = end.indexOf("\n");
    return wholeLine === -1 ? end : end.slice(wholeLine + 1);
  }
}

/** A failure with what its author wants to see. */
export function withLastLines(failure: EngineError, lines: string | undefined): EngineError {
  const words = lines === undefined ? "; it wrote nothing to standard error" : `\nits last lines were:\n${lines}`;
  const { kind, message, details, foreseen } = failure;
  return new EngineError(kind, `${message}${words}`, { cause: failure, details, foreseen });
}
