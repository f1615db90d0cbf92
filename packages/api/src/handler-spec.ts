import type { IncomingMessage, ServerResponse } from "node:http";

/** Values of the `{name}` parts of a path, decoded. */
export type PathParams = Readonly<Record<string, string>>;

/**
 * Answers one request. The path's version prefix is gone; `request.url` is untouched. Anything thrown becomes Docker's error
 * answer (`{"message": …}`, status by the error's kind) unless the head was sent already.
 */
export type Handler = (request: IncomingMessage, response: ServerResponse, params: PathParams) => void | Promise<void>;

/** One line of the server's route table: what `api.updateHandler` adds, deletes, wraps or replaces. */
export interface HandlerSpec {
  /** GET, HEAD, POST, PUT or DELETE. As with Docker, a GET route does not answer HEAD. */
  method: string;
  /** Without version prefix, for example `/containers/{id}/json`. `{name...}` matches the rest with its slashes. */
  path: string;
  handler: Handler;
}

/** Whether a route is the daemon's alone: whatever plugins do, an operator can reach the daemon and switch a bad one off. */
export function isProtectedPath(path: string): boolean {
  return path === "/_ping" || path === "/plugins" || path.startsWith("/plugins/");
}

/** Longest path of a route, in characters. */
const maxPathLength = 1024;

/** What a path is not that a route's has to be; undefined when it can be served. */
export function routePathProblem(path: unknown): string | undefined {
  if (typeof path !== "string" || !path.startsWith("/")) return "must start with a slash";
  if (path.length > maxPathLength) return `must not be longer than ${maxPathLength} characters`;
  // Shown to operators and logs, and to be named by a permission.
  if (/[\s\p{C}]/u.test(path)) return "must not contain white space, control characters or others that are not seen";
  // Clients resolve them before they ask, however they are written.
  if (/\/(\.|%2e){1,2}(\/|$)/i.test(path)) return "must not have . or .. as a part";
  if (path.includes("//")) return "must not contain //";
  if (/[?#*()]/.test(path)) return "must not contain ?, #, *, ( or )";
  const bare = path.replaceAll(/\{\w+(\.\.\.)?\}/g, "");
  if (/[{}]/.test(bare)) return "writes parameters as {name} or {name...}";
  if (/\{\w+\.\.\.\}.*\{/.test(path)) return "may have nothing but literal text after a {name...}";
  return undefined;
}
