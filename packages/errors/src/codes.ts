import type { ErrorKind } from "./kinds.ts";

/** gRPC status codes by name (gRPC core, `statuscodes.md`). */
export const GrpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** The one table: what a kind is over HTTP (as Docker answers) and over gRPC. */
const table: Record<ErrorKind, { http: number; grpc: number }> = {
  invalidArgument: { http: 400, grpc: GrpcCode.invalidArgument },
  unauthenticated: { http: 401, grpc: GrpcCode.unauthenticated },
  forbidden: { http: 403, grpc: GrpcCode.permissionDenied },
  notFound: { http: 404, grpc: GrpcCode.notFound },
  conflict: { http: 409, grpc: GrpcCode.failedPrecondition },
  alreadyExists: { http: 409, grpc: GrpcCode.alreadyExists },
  failedPrecondition: { http: 409, grpc: GrpcCode.failedPrecondition },
  notModified: { http: 304, grpc: GrpcCode.ok },
  resourceExhausted: { http: 500, grpc: GrpcCode.resourceExhausted },
  cancelled: { http: 499, grpc: GrpcCode.cancelled },
  deadlineExceeded: { http: 500, grpc: GrpcCode.deadlineExceeded },
  notImplemented: { http: 501, grpc: GrpcCode.unimplemented },
  unavailable: { http: 503, grpc: GrpcCode.unavailable },
  internal: { http: 500, grpc: GrpcCode.internal },
};

export function httpStatusOf(kind: ErrorKind): number {
  return table[kind].http;
}

export function grpcCodeOf(kind: ErrorKind): number {
  return table[kind].grpc;
}

/** The kind behind a gRPC status of containerd. */
export function kindOfGrpcCode(code: number): ErrorKind {
  switch (code) {
    case GrpcCode.cancelled:
      return "cancelled";
    case GrpcCode.invalidArgument:
    case GrpcCode.outOfRange:
      return "invalidArgument";
    case GrpcCode.deadlineExceeded:
      return "deadlineExceeded";
    case GrpcCode.notFound:
      return "notFound";
    case GrpcCode.alreadyExists:
      return "alreadyExists";
    case GrpcCode.permissionDenied:
      return "forbidden";
    case GrpcCode.resourceExhausted:
      return "resourceExhausted";
    case GrpcCode.failedPrecondition:
    case GrpcCode.aborted:
      return "failedPrecondition";
    case GrpcCode.unimplemented:
      return "notImplemented";
    case GrpcCode.unavailable:
      return "unavailable";
    case GrpcCode.unauthenticated:
      return "unauthenticated";
    default:
      return "internal";
  }
}
