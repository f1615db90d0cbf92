import type { Handler, HandlerSpec } from "@pouchcontainer/api";
import { notFound } from "@pouchcontainer/errors";
import { routeKey } from "./handler-table.ts";
import type { PluginSlot } from "./plugin-registry.ts";

/**
 * The table that a plugin made of `before`, whose requests pass the plugin by from when it is gone, whatever becomes of the next table: each
 * route is what it was without it, and one that it added is none. What it removed is back with the next table.
 */
export function passedBy(slot: PluginSlot, before: readonly HandlerSpec[], after: readonly HandlerSpec[]): HandlerSpec[] {
  const without = new Map(before.map((spec) => [routeKey(spec), spec.handler]));
  return after.map((spec) => {
    const { handler } = spec;
    const original = without.get(routeKey(spec));
    if (handler === original) return spec;
    return { ...spec, handler: (...asked) => (slot.instance === undefined ? (original ?? noRoute) : handler)(...asked) };
  });
}

const noRoute: Handler = () => Promise.reject(notFound("page not found"));
