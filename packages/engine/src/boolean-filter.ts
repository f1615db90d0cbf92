import { invalidArgument } from "@pouchcontainer/errors";

/**
 * The value of a yes-or-no filter, undefined where it is not set. As in Docker from 23 on: other values do not count, and none that
 * counts, or both, is an error.
 */
export function booleanFilter(filters: Record<string, string[]>, key: string): boolean | undefined {
  const values = filters[key];
  if (values === undefined) return undefined;
  const isTrue = values.includes("true") || values.includes("1");
  if (isTrue !== (values.includes("false") || values.includes("0"))) return isTrue;
  throw invalidArgument(`invalid filter '${values.length === 0 ? key : `${key}=[${values.join(" ")}]`}'`);
}
