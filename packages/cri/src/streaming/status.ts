import { EngineError } from "@pouchcontainer/errors";

/** How a session ended, as Kubernetes' `metav1.Status`. */
export interface Status {
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: { causes: { reason: string; message: string }[] };
  code?: number;
}

/** Of a process that ended with an exit code; clients read the code from the cause (remotecommand, v4 and later). */
export function exitStatus(code: number): Status {
  if (code === 0) return { status: "Success" };
  return {
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

/** Of a session that could not be: `doing` says what failed, as in "executing command in container". */
export function failureStatus(doing: string, thrown: unknown): Status {
  const message = `Internal error occurred: error ${doing}: ${EngineError.from(thrown).message}`;
  return { status: "Failure", message, reason: "InternalError", code: 500 };
}

/** What goes into the error stream: a document since v4; before, a text, and nothing where all went well. */
export function statusText(status: Status, format: "json" | "text"): string {
  return format === "json" ? JSON.stringify({ metadata: {}, ...status }) : (status.message ?? "");
}
