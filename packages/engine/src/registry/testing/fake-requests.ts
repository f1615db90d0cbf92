import type { IncomingMessage, ServerResponse } from "node:http";

/** One request as the registry saw it. */
export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  range: string | undefined;
  /** A request's body, to be read as far as a test wants. */
  body: IncomingMessage;
}

/** A refusal as registries word it. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
