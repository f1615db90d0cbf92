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
