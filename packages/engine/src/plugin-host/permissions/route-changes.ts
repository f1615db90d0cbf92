import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { globPattern } from "../glob-pattern.ts";

/** One change of the table of routes, as permissions have it. */
export interface RouteChange {
  does: "add" | "wrap" | "replace" | "remove";
  method: string;
  path: string;
}

/** Whether a change of the table is allowed. */
export type RouteCheck = (change: RouteChange) => boolean;

/** The changes in the difference of two tables. */
export function routeChanges(patch: readonly PatchOperation[]): RouteChange[] {
  return patch.map((operation) => {
    const [method = "", ...path] = operation.path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~").split(" ");
    const isWrapped = operation.op === "replace" && operation.value === "wrapped";
    return { does: isWrapped ? "wrap" : operation.op, method, path: path.join(" ") };
  });
}

export function routeText({ does, method, path }: RouteChange): string {
  return `${does} ${method} ${path}`;
}

/** Compiles patterns of a manifest, `add GET /path`. */
export function compileRoutes(patterns: readonly string[]): RouteCheck {
  const rules = patterns.map((pattern) => {
    const [does = "", method = "", ...path] = pattern.split(" ");
    return { does, method, matches: globPattern(path.join(" ")) };
  });
  return (change) =>
    rules.some(
      ({ does, method, matches }) =>
        (does === change.does || (does === "replace" && change.does === "wrap")) &&
        (method === "*" || method === change.method) &&
        matches(change.path),
    );
}

/** Whether whatever `pattern` grants is granted by one of `granted`. */
export function coversRoute(granted: readonly string[], pattern: string): boolean {
  const [does, method = "", ...path] = pattern.split(" ");
  // A `*` in it stands for what a `*` there has to stand for as well: as a character it is matched by nothing else. The schema says what `does` is.
  return compileRoutes(granted)({ does: does as RouteChange["does"], method, path: path.join(" ") });
}
