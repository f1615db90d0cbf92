import { getSystemErrorMessage } from "node:util";
import type { FileFailure } from "../file-jobs.ts";
import { TarError } from "../tar/tar-error.ts";

/** A failure the client is told in these words. */
export class JobFailure extends Error {
  override readonly name = "JobFailure";
  readonly kind: FileFailure["kind"];

  constructor(kind: FileFailure["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Where libuv's words differ from the kernel's, which Go and so Docker use. */
const kernelWords: Partial<Record<string, string>> = {
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EXDEV: "invalid cross-device link",
  EFBIG: "file too large",
};

/** What of Node's errors of system calls is used here; libc's own have no path. */
interface SystemError extends Error {
  code: string;
  errno: number;
  syscall?: string;
  path?: string | Buffer;
  dest?: string | Buffer;
}

export const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && "code" in error && "errno" in error && typeof error.errno === "number";

/** The kernel's code of a failed call (`ENOENT`), or undefined for other errors. */
export const codeOf = (error: unknown): string | undefined => (isSystemError(error) ? error.code : undefined);

export function describeFailure(error: unknown): FileFailure {
  if (error instanceof JobFailure) return { kind: error.kind, message: error.message };
  if (error instanceof TarError) return { kind: "internal", message: error.message };
  if (!isSystemError(error))
    return { kind: "internal", message: error instanceof Error ? error.message : String(error), ...stackOf(error) };
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  return { kind: full ? "resourceExhausted" : "internal", message: systemMessage(error) };
}

/** Of a defect of ours, which is logged and not told. */
function stackOf(error: unknown): Pick<FileFailure, "stack"> {
  return error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
}

/** `open /d/f: no such file or directory`, as Go says it. */
function systemMessage({ code, errno, syscall, path, dest, message }: SystemError): string {
  if (syscall === undefined) return message;
  const words = kernelWords[code] ?? getSystemErrorMessage(errno);
  const names = [path, dest].filter((name) => name !== undefined).map(String);
  return `${[syscall, ...names].join(" ")}: ${words}`;
}
