import { isProtectedPath, type HandlerSpec } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { compileRouter, type Router } from "./router.ts";

/** Changes the route table: the seam of `api.updateHandler`. */
export type UpdateHandlers = (table: HandlerSpec[]) => HandlerSpec[] | Promise<HandlerSpec[]>;

/** A route table that is served, ready to be asked. */
export interface ServedTable {
  specs: readonly HandlerSpec[];
  find: Router;
}

/**
 * Compiles the table after plugins had their say. Throws when they left one that cannot be served. The protected routes are asked first, in a
 * router of their own: no spelling of a path, and no parameter in the place of `plugins`, comes before them.
 */
export async function buildRouter(table: readonly HandlerSpec[], update: UpdateHandlers): Promise<ServedTable> {
  const updated = await update(table.map((spec) => ({ ...spec })));
  if (!Array.isArray(updated)) throw invalidArgument("the updated route table is not a list");
  for (const spec of table) {
    if (isProtectedPath(spec.path) && !updated.some((other) => isSame(spec, other))) {
      throw invalidArgument(`route ${spec.method} ${spec.path} must stay as it is: with it a bad plugin is switched off`);
    }
  }
  const own = compileRouter(table.filter(({ path }) => isProtectedPath(path)));
  const all = compileRouter(updated);
  return { specs: updated, find: (method, path) => own(method, path) ?? all(method, path) };
}

function isSame(a: HandlerSpec, b: HandlerSpec): boolean {
  return a.method === b.method && a.path === b.path && a.handler === b.handler;
}
