import type { ErrorKind } from "./kinds.ts";

export interface EngineErrorOptions {
  /** What failed below, kept for the log and for `messageChain`. */
  cause?: unknown;
  /** Machine-readable facts about the failure, for example `{ plugin, point, field }`. */
  details?: Record<string, unknown>;
  /** Default true; `EngineError.from` says false. */
  foreseen?: boolean;
}

/**
 * The one error class of the engine. `message` is written for the person who reads it in a terminal: what was wrong,
 * where, and what would be right.
 */
export class EngineError extends Error {
  readonly kind: ErrorKind;
  readonly details: Record<string, unknown>;
  /** Whether this failure was thought of, with a message written for it. What was not is a defect, also where it is answered. */
  readonly foreseen: boolean;

  constructor(kind: ErrorKind, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EngineError";
    this.kind = kind;
    this.details = options.details ?? {};
    this.foreseen = options.foreseen ?? true;
  }

  /** Any thrown value as an EngineError: one of ours unchanged, an abort as `cancelled`, everything else as `internal`. */
  static from(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) return thrown;
    if (thrown instanceof Error) {
      const kind = kindOfSystemError(thrown);
      return new EngineError(kind, thrown.message, { cause: thrown, foreseen: false });
    }
    return new EngineError("internal", String(thrown), { foreseen: false });
  }
}

function kindOfSystemError(error: Error): ErrorKind {
  if (error.name === "AbortError") return "cancelled";
  if (error.name === "TimeoutError") return "deadlineExceeded";
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EMFILE":
      return "resourceExhausted";
    case "EACCES":
    case "EPERM":
      return "forbidden";
    default:
      return "internal";
  }
}

type Factory = (message: string, options?: EngineErrorOptions) => EngineError;

const factory =
  (kind: ErrorKind): Factory =>
  (message, options) =>
    new EngineError(kind, message, options);

export const invalidArgument = factory("invalidArgument");
export const unauthenticated = factory("unauthenticated");
export const forbidden = factory("forbidden");
export const notFound = factory("notFound");
export const conflict = factory("conflict");
export const alreadyExists = factory("alreadyExists");
export const notModified = factory("notModified");
export const resourceExhausted = factory("resourceExhausted");
export const failedPrecondition = factory("failedPrecondition");
export const cancelled = factory("cancelled");
export const deadlineExceeded = factory("deadlineExceeded");
export const notImplemented = factory("notImplemented");
export const unavailable = factory("unavailable");
export const internal = factory("internal");

/** Whether a thrown value is an EngineError of one of these kinds. */
export function isKind(thrown: unknown, ...kinds: ErrorKind[]): thrown is EngineError {
  return thrown instanceof EngineError && kinds.includes(thrown.kind);
}

/** The message of an error followed by those of its causes, outermost first, repeated text left out. */
export function messageChain(thrown: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = thrown; current !== undefined && current !== null && parts.length < 8;) {
    const message = textOf(current);
    if (message !== "" && !parts.some((part) => part.includes(message))) parts.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}

function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  try {
    // Whoever throws may have put anything there.
    const text: unknown = thrown instanceof Error ? thrown.message : JSON.stringify(thrown);
    return typeof text === "string" ? text : `an error that says nothing: ${typeof thrown}`;
  } catch {
    return `an error that cannot be read: ${typeof thrown}`;
  }
}
