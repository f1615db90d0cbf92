import { pathOf } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

/**
 * Refuses a request that has a NUL in a text or in a key, with the field's name: no path, variable or argument of the kernel's can have one,
 * and whoever hands it on fails later, or cuts off what is behind it. The text itself may be a secret and is not told.
 */
export function refuseNul(request: object): void {
  const field = fieldWithNul(request, "");
  if (field !== undefined) throw invalidArgument(`${field} must not contain a NUL`);
}

function fieldWithNul(value: unknown, path: string): string | undefined {
  if (typeof value === "string") return value.includes("\0") ? path : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const isList = Array.isArray(value);
  // Any object may be read by key.
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) {
    const member = members[key];
    // Most have none below them, and their paths are not needed.
    if (!mayHave(member) && !key.includes("\0")) continue;
    const below = pathOf(path, isList ? Number(key) : key);
    const field = key.includes("\0") ? below : fieldWithNul(member, below);
    if (field !== undefined) return field;
  }
  return undefined;
}

function mayHave(value: unknown): boolean {
  return typeof value === "string" ? value.includes("\0") : typeof value === "object";
}
