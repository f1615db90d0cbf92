import { getSystemErrorMap } from "node:util";

/** A system call that failed: `code` and `errno` as Node's own errors have them, but for the sign. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, "unknown error"];
    super(`${code}: ${text}, ${call}`);
    this.name = "SystemCallError";
    this.code = code;
    this.errno = errno;
  }
}
