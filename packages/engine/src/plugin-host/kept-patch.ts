import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { jsonBytes } from "./json-bytes.ts";

/** An operation as traces have it: a value that is too large to be kept is left out. */
export type TracedOperation = PatchOperation | { op: "add" | "replace"; path: string };

/** What was left out of a patch. */
export interface PatchCut {
  /** Operations that are not there at all. */
  operations: number;
  /** Bytes of JSON that are not there, values of operations that are there among them. */
  bytes: number;
}

/** Bytes of JSON that are kept of one call's patch. */
const keptBytes = 32 * 1024;

/** As much of a patch as is kept, its first operations; a value that does not fit is left out and its path told. */
export function keptPatch(patch: readonly PatchOperation[]): { patch: TracedOperation[]; cut?: PatchCut } {
  const kept: TracedOperation[] = [];
  const cut: PatchCut = { operations: 0, bytes: 0 };
  let room = keptBytes;
  for (const operation of patch) {
    const { op, path } = operation;
    const head = jsonBytes(path) + headBytes;
    const value = op === "remove" ? 0 : jsonBytes(operation.value);
    if (cut.operations > 0 || head > room) {
      cut.operations += 1;
      cut.bytes += head + value;
    } else if (head + value <= room || op === "remove") {
      kept.push(operation);
      room -= head + value;
    } else {
      kept.push({ op, path });
      room -= head;
      cut.bytes += value;
    }
  }
  return cut.bytes === 0 ? { patch: kept } : { patch: kept, cut };
}

/** `{"op":"replace","path":,"value":}` and what separates it from the next. */
const headBytes = 35;
