import * as schemas from "../schemas.ts";
import { endpoints } from "./catalogue.ts";
import type { Endpoint, Method } from "./endpoint.ts";
import { extensionEndpoints } from "./extension-endpoints.ts";
import { openApiDocument } from "./openapi.ts";

/** Every named schema of the API, by name: for OpenAPI and for the schemas given to plugin authors. */
export function namedSchemas(): Record<string, object> {
  return { ...schemas };
}

/** A route as a server has it. */
export interface ServedRoute {
  method: string;
  path: string;
}

/**
 * The OpenAPI 3.1 document of this API. Given the routes a server has at this moment, it lists those and no others: what a
 * plugin removed is left out, what a plugin added is there by method and path.
 */
export function engineApiDocument(version: string, served?: readonly ServedRoute[]): Record<string, unknown> {
  const known: Record<string, Endpoint> = { ...endpoints, ...extensionEndpoints };
  return openApiDocument({ endpoints: served ? servedEndpoints(known, served) : known, schemas: namedSchemas(), version });
}

const documented = new Set<string>(["GET", "HEAD", "POST", "PUT", "DELETE"] satisfies Method[]);

function servedEndpoints(known: Record<string, Endpoint>, served: readonly ServedRoute[]): Record<string, Endpoint> {
  const byRoute = new Map(
    Object.entries(known).map(([id, endpoint]) => [`${endpoint.method} ${endpoint.path}`, { id, endpoint }]),
  );
  const listed: Record<string, Endpoint> = {};
  for (const { method, path } of served) {
    const found = byRoute.get(`${method} ${path}`);
    if (found) listed[found.id] = found.endpoint;
    else if (documented.has(method)) listed[operationId(method, path)] = addedEndpoint(method, path);
  }
  return listed;
}

function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${method.toLowerCase()}${words.join("")}`;
}

function addedEndpoint(method: string, path: string): Endpoint {
  // `documented` has looked at the method.
  return { method: method as Method, path, summary: "Added by a plugin", tag: "Plugins' own", status: 200 };
}
