import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { compileRoutes } from "./route-changes.ts";

/** Routes whose requests decide what a container is, or may do. */
const decisive = [
  "POST /containers/create",
  "POST /containers/{id}/update",
  "POST /containers/{id}/start",
  "POST /containers/{id}/exec",
  "PUT /containers/{id}/archive",
  "POST /volumes/create",
  "POST /networks/{id}/connect",
].map((route) => {
  const [method = "", path = ""] = route.split(" ");
  return { method, path };
});

/**
 * What the operator should know of a plugin that may rewrite such requests: it does so before any plugin is called, so that validators,
 * permissions of fields and mandatory labels see its words as the client's.
 */
export function routeWarnings({ name, permissions, narrowed }: PluginManifest): string[] {
  const routes = (narrowed ?? permissions)?.routes ?? [];
  const strong = routes.filter((pattern) => {
    const covers = compileRoutes([pattern]);
    return decisive.some(({ method, path }) => covers({ does: "wrap", method, path }));
  });
  if (strong.length === 0) return [];
  return [
    `plugin "${name}" may do whatever a client may by ${strong.join(", ")}: it changes requests that create or change containers, and may remove labels and settings, before validators look at them`,
  ];
}
