export type { ErrorKind } from "./kinds.ts";
export { cutText, firstBytes, maxToldBytes } from "./cut-text.ts";
export * from "./engine-error.ts";
export { legible, legibleLine } from "./legible.ts";
export { GrpcCode, grpcCodeOf, httpStatusOf, kindOfGrpcCode } from "./codes.ts";
