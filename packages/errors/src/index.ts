export type { ErrorKind } from "./kinds.ts";
export { cutText, maxToldBytes } from "./cut-text.ts";
export * from "./engine-error.ts";
export { GrpcCode, grpcCodeOf, httpStatusOf, kindOfGrpcCode } from "./codes.ts";
