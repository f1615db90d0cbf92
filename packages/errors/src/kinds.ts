/**
 * The closed set of ways an operation can fail. A kind says what the caller can do about it, never how it travels:
 * the one table from kinds to HTTP and gRPC codes is in `codes.ts`.
 */
export type ErrorKind =
  | "invalidArgument"
  | "unauthenticated"
  | "forbidden"
  | "notFound"
  | "conflict"
  | "alreadyExists"
  | "notModified"
  | "resourceExhausted"
  | "failedPrecondition"
  | "cancelled"
  | "deadlineExceeded"
  | "notImplemented"
  | "unavailable"
  | "internal";
