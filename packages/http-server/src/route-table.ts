import { endpoints, type EndpointId, type Handler, type HandlerSpec } from "@pouchcontainer/api";
import type { Backend } from "./backend.ts";
import { Calls } from "./call.ts";
import { containerArchiveHandlers } from "./handlers/container-archive-handlers.ts";
import { containerHandlers } from "./handlers/container-handlers.ts";
import { containerStreamHandlers } from "./handlers/container-stream-handlers.ts";
import { execHandlers } from "./handlers/exec-handlers.ts";
import { imageHandlers } from "./handlers/image-handlers.ts";
import { networkHandlers } from "./handlers/network-handlers.ts";
import { pluginHandlers } from "./handlers/plugin-handlers.ts";
import { systemHandlers } from "./handlers/system-handlers.ts";
import { unsupportedHandlers } from "./handlers/unsupported-handlers.ts";
import { volumeHandlers } from "./handlers/volume-handlers.ts";
import type { Lifetime } from "./lifetime.ts";

/** A handler for every endpoint of the catalogue; the compiler sees to it that none is missing. */
export function endpointHandlers(backend: Backend, lifetime: Lifetime, version: string): Record<EndpointId, Handler> {
  const calls = new Calls(lifetime);
  return {
    ...containerHandlers(calls, backend.containers),
    ...containerStreamHandlers(calls, backend.containers, lifetime),
    ...containerArchiveHandlers(calls, backend.containers),
    ...execHandlers(calls, backend.exec, lifetime),
    ...imageHandlers(calls, backend.images),
    ...volumeHandlers(calls, backend.volumes),
    ...networkHandlers(calls, backend.networks),
    ...pluginHandlers(calls, backend.plugins),
    ...systemHandlers(calls, backend.system, version),
    ...unsupportedHandlers,
  };
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
