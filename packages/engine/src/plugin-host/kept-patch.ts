import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";

/** An operation as traces have it: a value that is too large to be kept is left out. */
export type TracedOperation = PatchOperation | { op: "add" | "replace"; path: string };

/** What was left out of a patch. */
export interface PatchCut {
  /** Operations that are not there at all. */
  operations: number;
  /** Characters of JSON that are not there, values of operations that are there among them. */
  characters: number;
}

/** Characters of JSON that are kept of one call's patch. */
const keptCharacters = 32 * 1024;

/** As much of a patch as is kept, its first operations; a value that does not fit is left out and its path told. */
export function keptPatch(patch: readonly PatchOperation[]): { patch: TracedOperation[]; cut?: PatchCut } {
  const kept: TracedOperation[] = [];
  const cut: PatchCut = { operations: 0, characters: 0 };
  let room = keptCharacters;
  for (const operation of patch) {
    const { op, path } = operation;
    const head = path.length + headCharacters;
    const value = op === "remove" ? 0 : jsonCharacters(operation.value);
    if (cut.operations > 0 || head > room) {
      cut.operations += 1;
      cut.characters += head + value;
    } else if (head + value <= room || op === "remove") {
      kept.push(operation);
      room -= head + value;
    } else {
      kept.push({ op, path });
      room -= head;
      cut.characters += value;
    }
  }
  return cut.characters === 0 ? { patch: kept } : { patch: kept, cut };
}

/** `{"op":"replace","path":"","value":}` */
const headCharacters = 35;

/** About as many characters as a value's JSON has, without making it. */
export function jsonCharacters(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return String(value).length;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + jsonCharacters(item) + 1, 2);
  return Object.entries(value).reduce((sum, [key, member]) => sum + key.length + jsonCharacters(member) + 4, 2);
}
