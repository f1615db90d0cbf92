import { invalidArgument } from "@pouchcontainer/errors";

const pattern = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** The name without the leading slash clients may send, after checking that Docker allows it. */
export function checkedContainerName(name: string): string {
  if (!pattern.test(name)) throw invalidArgument(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return name.replace(/^\//, "");
}
