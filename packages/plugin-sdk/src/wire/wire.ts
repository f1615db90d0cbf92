import { splitPoint, type PointName } from "../points.ts";

/** Names and shapes of the protocol between the daemon and a plugin's process; docs/plugin-protocol.md has them in prose. */

/** Environment variables a plugin's process is started with. */
export const wireEnvironment = {
  /** Unix socket the plugin has to listen on. */
  socket: "POUCH_PLUGIN_SOCKET",
  /** Unix socket on which the daemon takes the plugin's questions. */
  hostSocket: "POUCH_HOST_SOCKET",
} as const;

/** Facts about a call: a member `call` of JSON bodies, a header of raw ones. */
export interface WireCall {
  id: string;
  timeoutMs: number;
  container?: { id?: string; name?: string };
}

export const callHeader = "pouch-call";
/** Decoded `{name}` parts of a proxied request's path, as JSON. */
export const paramsHeader = "pouch-params";

/** Body of the hand-shake; Docker sends none of it and a plugin may ignore it. */
export interface ActivateRequest {
  apiVersion: string;
  name: string;
  configuration: Record<string, unknown>;
}

/** Docker's answer to the hand-shake. */
export interface ActivateAnswer {
  /** `pouch.container/1` for each kind the plugin implements. */
  Implements: string[];
}

/** An error as Docker's plugins report it, with its kind added. Any status but 2xx, or a non-empty `Err`, is a failure. */
export interface WireError {
  Err: string;
  /** Kind of @pouchcontainer/errors; absent is `internal`. */
  Kind?: string;
}

/** One change of the route table by a plugin in another process. */
export type RouteOperation =
  | { op: "add" | "remove" | "replace"; method: string; path: string }
  | {
      op: "wrap";
      method: string;
      path: string;
      before?: boolean;
      after?: boolean;
      requestBody?: boolean;
      responseBody?: boolean;
    };

/** What `before` of a wrapped route may answer; nothing lets the request pass as it is. */
export interface BeforeAnswer {
  /** Headers to set on the request. */
  headers?: Record<string, string>;
  /** A new request body, where bodies were declared. */
  body?: string;
  /** Answers the request in the plugin's name; the route's own handler is not called. */
  response?: { status: number; headers?: Record<string, string>; body?: string };
}

/** `/ContainerPlugin.PreCreate` for `container.preCreate`. */
export function pointPath(point: PointName): string {
  const { kind, method } = splitPoint(point);
  return `/${capital(kind)}Plugin.${capital(method)}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** `pouch.container/1`, as the hand-shake lists kinds. */
export function implementsName(kind: string): string {
  return `pouch.${kind}/1`;
}

/** Beginning of the paths of routes that the plugin serves. */
export const routePrefix = "/Pouch.Route/";

/** Path of a route the plugin serves: the request's own URL follows. */
export function routePath(generation: string, index: number): string {
  return `${routePrefix}${generation}/${index}`;
}

/** Path, on the daemon's side, of a handler that was in the table the plugin was shown. */
export function originalPath(generation: string, index: number): string {
  return `/Pouch.Original/${generation}/${index}`;
}

/** Takes such a path apart: its two numbers, and the URL the client asked for. */
export function splitRoutePath(url: string): { generation: string; index: number; url: string } | undefined {
  const parts = /^\/Pouch\.(?:Route|Original)\/([^/]+)\/(\d+)(\/.*)$/.exec(url);
  if (parts?.[1] === undefined || parts[3] === undefined) return undefined;
  return { generation: parts[1], index: Number(parts[2]), url: parts[3] };
}
