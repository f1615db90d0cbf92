import { sendError, type Handler, type HandlerSpec } from "@pouchcontainer/api";
import { conflict, EngineError, notFound } from "@pouchcontainer/errors";
import type { IncomingMessage, ServerResponse } from "node:http";
import { proxyRequest } from "./proxy-request.ts";
import { isErrorKind } from "./http-client.ts";
import { originalPath, paramsHeader, routePrefix, splitRoutePath, type RouteOperation } from "./wire.ts";

/** Tables kept for a daemon that does not say which are in use: the one that is, and those of changes it may have refused since. */
const keptTables = 8;

/** The plugin's side of `api.updateHandler`: routes of the daemon as functions here, and the plugin's functions as routes there. */
export class RouteServer {
  readonly #hostSocket: string;
  readonly #tables = new Map<string, Handler[]>();

  constructor(hostSocket: string) {
    this.#hostSocket = hostSocket;
  }

  /** The daemon's table with handlers that pass the request back to it. */
  tableOf(generation: string, shown: readonly { method: string; path: string }[]): HandlerSpec[] {
    return shown.map(({ method, path }, index) => ({
      method,
      path,
      handler: (request, response, params) =>
        proxyRequest(
          {
            socketPath: this.#hostSocket,
            path: `${originalPath(generation, index)}${request.url}`,
            headers: { [paramsHeader]: encodeURIComponent(JSON.stringify(params)) },
          },
          request,
          response,
        ),
    }));
  }

  /**
   * What the plugin did to the table, in operations; its own handlers are kept to be called by their index, besides those of the
   * generations in use.
   */
  operations(
    generation: string,
    before: readonly HandlerSpec[],
    after: readonly HandlerSpec[],
    inUse?: readonly string[],
  ): RouteOperation[] {
    const key = ({ method, path }: HandlerSpec): string => `${method.toUpperCase()} ${path}`;
    const old = new Map(before.map((spec) => [key(spec), spec]));
    const kept = new Set<string>();
    for (const spec of after) {
      if (kept.has(key(spec))) throw conflict(`two routes answer ${key(spec)}; remove or replace the one that is there`);
      kept.add(key(spec));
    }
    const operations: RouteOperation[] = [];
    const handlers: Handler[] = [];
    for (const { method, path } of before.filter((spec) => !kept.has(key(spec)))) operations.push({ op: "remove", method, path });
    for (const spec of after) {
      const earlier = old.get(key(spec));
      if (earlier?.handler === spec.handler) continue;
      handlers[operations.length] = spec.handler;
      operations.push({ op: earlier === undefined ? "add" : "replace", method: spec.method, path: spec.path });
    }
    const known = [...this.#tables.keys()];
    const stale = inUse === undefined ? known.slice(0, 1 - keptTables) : known.filter((one) => !inUse.includes(one));
    for (const one of stale) this.#tables.delete(one);
    this.#tables.set(generation, handlers);
    return operations;
  }

  /** Serves a proxied request; false when it is none. */
  async handle(url: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (!url.startsWith(routePrefix)) return false;
    const target = splitRoutePath(url);
    const handler = target === undefined ? undefined : this.#tables.get(target.generation)?.[target.index];
    if (target === undefined || handler === undefined) throw notFound("this plugin does not serve that route any more");
    // The daemon's header: the decoded parts of the path.
    const params = JSON.parse(decodeURIComponent(String(request.headers[paramsHeader] ?? "{}"))) as Record<string, string>;
    delete request.headers[paramsHeader];
    request.url = target.url;
    try {
      await handler(request, response, params);
    } catch (error) {
      // It goes to the client, as an answer of the route.
      sendError(response, ofRoute(error));
    }
    return true;
  }
}

/** A plugin may carry its own copy of the error class: the shape decides. */
function ofRoute(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !("kind" in thrown) || !isErrorKind(thrown.kind)) return thrown;
  return new EngineError(thrown.kind, thrown.message, { cause: thrown });
}
