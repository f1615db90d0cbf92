import {
  endpoints,
  engineApiDocument,
  type Endpoint,
  type EndpointId,
  type Handler,
  type HandlerSpec,
} from "@pouchcontainer/api";
import type { Backend } from "./backend.ts";
import { Calls } from "./call.ts";
import { buildHandlers } from "./handlers/build-handlers.ts";
import { containerArchiveHandlers } from "./handlers/container-archive-handlers.ts";
import { containerHandlers } from "./handlers/container-handlers.ts";
import { containerStreamHandlers } from "./handlers/container-stream-handlers.ts";
import { execHandlers } from "./handlers/exec-handlers.ts";
import { imageHandlers } from "./handlers/image-handlers.ts";
import { networkHandlers } from "./handlers/network-handlers.ts";
import { orphanHandlers } from "./handlers/orphan-handlers.ts";
import { pluginHandlers } from "./handlers/plugin-handlers.ts";
import { systemHandlers } from "./handlers/system-handlers.ts";
import { unsupportedHandlers } from "./handlers/unsupported-handlers.ts";
import { volumeHandlers } from "./handlers/volume-handlers.ts";
import type { Lifetime } from "./lifetime.ts";
import { compileRouter } from "./router.ts";

/** What the handlers are made of. */
export interface HandlersInput {
  backend: Backend;
  lifetime: Lifetime;
  /** The daemon's. */
  version: string;
  /** The routes served at this moment. */
  served: () => readonly HandlerSpec[];
}

/** A handler for every endpoint of the catalogue; the compiler sees to it that none is missing. */
export function endpointHandlers({ backend, lifetime, version, served }: HandlersInput): Record<EndpointId, Handler> {
  const calls = new Calls(lifetime);
  return {
    ...containerHandlers(calls, backend.containers),
    ...containerStreamHandlers(calls, backend.containers, lifetime),
    ...containerArchiveHandlers(calls, backend.containers),
    ...execHandlers(calls, backend.exec, lifetime),
    ...imageHandlers(calls, backend.images),
    ...buildHandlers(calls, backend.builds),
    ...volumeHandlers(calls, backend.volumes),
    ...networkHandlers(calls, backend.networks),
    ...pluginHandlers(calls, backend.plugins),
    ...orphanHandlers(calls, backend.orphans),
    ...systemHandlers(calls, backend.system, openApi(version, served)),
    ...unsupportedHandlers,
  };
}

/** The OpenAPI document as JSON, made anew when the routes are others. */
function openApi(version: string, served: () => readonly HandlerSpec[]): () => string {
  let made: { specs: readonly HandlerSpec[]; json: string } | undefined;
  return () => {
    const specs = served();
    if (made?.specs !== specs) made = { specs, json: JSON.stringify(engineApiDocument(version, specs)) };
    return made.json;
  };
}

/** Tells the requests whose client may get the connection for itself; the path has no version prefix and may have a query. */
export function takesOver(): (method: string, path: string) => boolean {
  const catalogue: Endpoint[] = Object.values(endpoints);
  const none: Handler = () => undefined;
  const router = compileRouter(
    catalogue.filter((one) => one.takesOver).map(({ method, path }) => ({ method, path, handler: none })),
  );
  return (method, path) => router(method, path) !== undefined;
}

/** The server's own route table, in the order of the catalogue. */
export function routeTable(handlers: Record<EndpointId, Handler>): HandlerSpec[] {
  return Object.entries(endpoints).map(([id, { method, path }]) => ({
    method,
    path,
    // Keys of `endpoints` are EndpointIds.
    handler: handlers[id as EndpointId],
  }));
}
