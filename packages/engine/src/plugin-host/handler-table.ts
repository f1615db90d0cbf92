import { isProtectedPath, routePathProblem, type Handler, type HandlerSpec } from "@pouchcontainer/api";
import { internal, resourceExhausted } from "@pouchcontainer/errors";
import type { PluginFilters } from "@pouchcontainer/plugin-sdk";
import { compileRouteFilter } from "./filters.ts";
import { pointerPart, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";

/** The part of the table a plugin is shown, as copies, and the rest that it is not. */
export function splitTable(
  table: readonly HandlerSpec[],
  filters: PluginFilters,
): { shown: HandlerSpec[]; hidden: HandlerSpec[] } {
  const matches = compileRouteFilter(filters);
  const shown: HandlerSpec[] = [];
  const hidden: HandlerSpec[] = [];
  for (const spec of table) (matches(spec.method, spec.path) ? shown : hidden).push({ ...spec });
  return { shown, hidden };
}

/** The same routes, answering an error; the protected ones as they are. */
export function refusing(table: readonly HandlerSpec[], error: unknown): HandlerSpec[] {
  const handler = (): Promise<void> => Promise.reject(error);
  return table.map((spec) => (isProtectedPath(spec.path) ? spec : { ...spec, handler }));
}

/** The table a plugin answered, if it is a list that is not longer than one may be. */
export function boundedTable(before: readonly HandlerSpec[], answer: unknown): readonly unknown[] {
  if (!Array.isArray(answer)) throw internal("updateHandler must return an array of { method, path, handler }");
  const limit = before.length + maxMoreRoutes;
  if (answer.length > limit)
    throw resourceExhausted(`updateHandler returned ${answer.length} routes; at most ${limit} are allowed`);
  return answer;
}

/**
 * Checks the table a plugin made of `before` and returns it, with what changed. Throws `internal`, the fault being the plugin's, for
 * entries that are no routes, for two of one method and path, and for protected routes that were changed, removed or added.
 */
export function checkTable(
  before: readonly HandlerSpec[],
  after: readonly unknown[],
): { table: HandlerSpec[]; patch: PatchOperation[] } {
  const table = after.map(checkSpec);
  const byKey = new Map<string, HandlerSpec>();
  for (const spec of table) {
    const key = routeKey(spec);
    if (byKey.has(key)) throw internal(`two routes answer ${spec.method} ${spec.path}; remove or replace the one that is there`);
    byKey.set(key, spec);
  }
  const patch: PatchOperation[] = [];
  const earlier = new Map(before.map((spec) => [routeKey(spec), spec]));
  for (const [key, spec] of earlier) {
    const now = byKey.get(key);
    if (now === undefined) patch.push({ op: "remove", path: routePointer(spec) });
    else if (now.handler !== spec.handler)
      patch.push({ op: "replace", path: routePointer(spec), value: wraps(now.handler, spec.handler) ? "wrapped" : "handler" });
    if (now?.handler !== spec.handler && isProtectedPath(spec.path))
      throw internal(`${spec.method} ${spec.path} must stay as it is`);
  }
  for (const [key, spec] of byKey) {
    if (earlier.has(key)) continue;
    if (isProtectedPath(spec.path)) throw internal(`${spec.method} ${spec.path} is reserved for the daemon`);
    patch.push({ op: "add", path: routePointer(spec), value: "handler" });
  }
  return { table, patch };
}

/** Routes that one plugin may add: as many as one in a process of its own may change. */
const maxMoreRoutes = 2000;

/** On a handler of the daemon's own making that asks a plugin and then always the original, which it names. */
const originalOf = Symbol("the handler that it wraps");

/** Marks a handler as one that wraps another. */
export function wrapping(original: Handler, handler: Handler): Handler {
  return Object.assign(handler, { [originalOf]: original });
}

function wraps(handler: Handler, original: Handler): boolean {
  let inner: (Handler & { [originalOf]?: Handler }) | undefined = handler;
  while (inner !== undefined && inner !== original) inner = inner[originalOf];
  return inner === original;
}

/** Characters of a wrong value that an error shows. */
const maxShown = 100;

const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

export function isMethod(value: unknown): value is string {
  return typeof value === "string" && methods.has(value.toUpperCase());
}

/** In words, of a method that is none. */
export function methodProblem(method: unknown): string {
  return `must be one of ${[...methods].join(", ")}, got ${JSON.stringify(method)?.slice(0, maxShown)}`;
}

function checkSpec(value: unknown, index: number): HandlerSpec {
  if (typeof value !== "object" || value === null)
    throw internal(`handlers[${index}] must be an object { method, path, handler }`);
  // Fields are checked one by one below.
  const { method, path, handler } = value as Partial<HandlerSpec>;
  if (!isMethod(method)) throw internal(`handlers[${index}].method ${methodProblem(method)}`);
  const problem = routePathProblem(path);
  if (typeof path !== "string" || problem !== undefined)
    throw internal(`handlers[${index}].path ${problem ?? "must be a string"}, got ${JSON.stringify(path)?.slice(0, maxShown)}`);
  if (typeof handler !== "function") throw internal(`handlers[${index}].handler of ${method} ${path} must be a function`);
  return { method: method.toUpperCase(), path, handler };
}

/** Routes that would answer the same requests have the same key, whatever their parameters are called. */
export function routeKey(spec: { method: string; path: string }): string {
  return `${spec.method.toUpperCase()} ${spec.path.replace(/\{[^}]*?(\.\.\.)?\}/g, "{$1}")}`;
}

/** Of a route in the patch of a table. */
export function routePointer(spec: { method: string; path: string }): string {
  return `/${spec.method} ${pointerPart(spec.path)}`;
}
