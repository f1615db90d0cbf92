import type { HandlerSpec } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { compileRouter, type Router } from "./router.ts";

/** Changes the route table: the seam of `api.updateHandler`. */
export type UpdateHandlers = (table: HandlerSpec[]) => HandlerSpec[] | Promise<HandlerSpec[]>;

/** A route table that is served, ready to be asked. */
export interface ServedTable {
  specs: readonly HandlerSpec[];
  find: Router;
}

/** Compiles the table after plugins had their say. Throws when they left one that cannot be served. */
export async function buildRouter(table: readonly HandlerSpec[], update: UpdateHandlers): Promise<ServedTable> {
  const updated = await update(table.map((spec) => ({ ...spec })));
  if (!Array.isArray(updated)) throw invalidArgument("the updated route table is not a list");
  for (const spec of table) {
    if (isProtected(spec) && !updated.some((other) => isSame(spec, other))) {
      throw invalidArgument(`route ${spec.method} ${spec.path} must stay as it is: with it a bad plugin is switched off`);
    }
  }
  return { specs: updated, find: compileRouter(updated) };
}

/** `/_ping` and everything under `/plugins`. */
function isProtected({ path }: HandlerSpec): boolean {
  return path === "/_ping" || path === "/plugins" || path.startsWith("/plugins/");
}

function isSame(a: HandlerSpec, b: HandlerSpec): boolean {
  return a.method === b.method && a.path === b.path && a.handler === b.handler;
}
