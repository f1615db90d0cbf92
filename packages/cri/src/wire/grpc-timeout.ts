import { invalidArgument } from "@pouchcontainer/errors";

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds a caller gives its call, of the header `grpc-timeout`; undefined for as long as it takes. */
export function grpcTimeoutMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits = "", unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const factor = unitMs[unit];
  if (factor === undefined)
    throw invalidArgument(`the header grpc-timeout is "${header}": it is at most eight digits and a unit, H, M, S, m, u or n`);
  return Number(digits) * factor;
}
