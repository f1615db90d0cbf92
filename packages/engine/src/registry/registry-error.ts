import { EngineError, internal, invalidArgument, notFound, resourceExhausted } from "@pouchcontainer/errors";
import {
  familiarReference,
  familiarRepository,
  InvalidImageError,
  type NamingDefaults,
  type Reference,
} from "@pouchcontainer/oci";
import { HttpError } from "./http-error.ts";

/** A registry's refusal (distribution specification, "Error Codes"). */
export class RegistryError extends Error {
  readonly status: number;
  /** `MANIFEST_UNKNOWN`, `DENIED`…, or empty where the body said none. */
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(shortened(message));
    this.name = "RegistryError";
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get transient(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Longer than any that tells a person something. */
const messageLimit = 1024;

/** What a registry says goes into logs, answers and events, and it says as much as it likes. */
function shortened(message: string): string {
  if (message.length <= messageLimit) return message;
  return `${message.slice(0, messageLimit)}… (cut: the registry's message has ${message.length} characters)`;
}

/** What was asked for when the registry refused. */
export type Asked = "manifest" | "blob" | "tags" | "repository" | "upload";

/** What a 404 says whose body says nothing. */
const unknown: Record<Asked, string> = {
  manifest: "MANIFEST_UNKNOWN",
  blob: "BLOB_UNKNOWN",
  tags: "NAME_UNKNOWN",
  repository: "NAME_UNKNOWN",
  upload: "BLOB_UPLOAD_UNKNOWN",
};

const statusCodes: Record<number, string> = { 401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS" };

/** Reads the refusal out of an answer's body. */
export function registryErrorOf(
  answer: { status: number; statusText: string; body: string; retryAfter?: string | undefined },
  what: Asked,
): RegistryError {
  const { status } = answer;
  const retryAfter = Number(answer.retryAfter);
  const seconds = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : undefined;
  const first = firstErrorOf(answer.body);
  const code = first.code ?? statusCodes[status] ?? (status === 404 ? unknown[what] : "");
  if (code === "")
    return new RegistryError(status, "", `received unexpected HTTP status: ${status} ${answer.statusText}`.trimEnd(), seconds);
  const words = code.toLowerCase().replaceAll("_", " ");
  return new RegistryError(status, code, `${words}: ${first.message ?? defaultMessages.get(code) ?? words}`, seconds);
}

const defaultMessages = new Map([
  ["UNAUTHORIZED", "authentication required"],
  ["DENIED", "requested access to the resource is denied"],
  ["BLOB_UNKNOWN", "blob unknown to registry"],
  ["BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"],
  ["NAME_UNKNOWN", "repository name not known to registry"],
]);

function firstErrorOf(body: string): { code?: string; message?: string } {
  try {
    const document: unknown = JSON.parse(body);
    if (typeof document !== "object" || document === null) return {};
    const errors = "errors" in document && Array.isArray(document.errors) ? document.errors : [];
    const first: unknown = errors[0];
    if (typeof first !== "object" || first === null) {
      const details = "details" in document && typeof document.details === "string" ? { message: document.details } : {};
      return details;
    }
    return {
      ...("code" in first && typeof first.code === "string" && { code: first.code.toUpperCase() }),
      ...("message" in first && typeof first.message === "string" && first.message !== "" && { message: first.message }),
    };
  } catch {
    return {};
  }
}

/** A failed pull in Docker's words and with Docker's status; of one that was given up, whatever failed by that is its end. */
export function pullErrorOf(thrown: unknown, reference: Reference, naming: NamingDefaults, signal: AbortSignal): unknown {
  if (signal.aborted) return new EngineError("cancelled", "context canceled", { cause: thrown });
  if (thrown instanceof RegistryError) return registryRefusal(thrown, reference, naming);
  if (thrown instanceof InvalidImageError) return invalidArgument(thrown.message, { cause: thrown });
  return thrown instanceof HttpError ? internal(thrown.message, { cause: thrown.cause }) : thrown;
}

/** A failed push in Docker's words, which are the registry's own; of one that was given up, whatever failed by that is its end. */
export function pushErrorOf(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new EngineError("cancelled", "context canceled", { cause: thrown });
  if (thrown instanceof InvalidImageError) return invalidArgument(thrown.message, { cause: thrown });
  return thrown instanceof RegistryError || thrown instanceof HttpError ? internal(thrown.message, { cause: thrown }) : thrown;
}

function registryRefusal(error: RegistryError, reference: Reference, naming: NamingDefaults): EngineError {
  switch (error.code) {
    case "DENIED":
      return notFound(
        `pull access denied for ${familiarRepository(reference, naming)}, repository does not exist or may require 'docker login': ${error.message}`,
        {
          cause: error,
        },
      );
    case "MANIFEST_UNKNOWN":
      return notFound(`manifest for ${familiarReference(reference, naming)} not found: ${error.message}`, { cause: error });
    case "NAME_UNKNOWN":
      return notFound(`repository ${familiarRepository(reference, naming)} not found: ${error.message}`, { cause: error });
    case "TOOMANYREQUESTS":
      return resourceExhausted(error.message, { cause: error });
    default:
      return internal(error.message, { cause: error });
  }
}
