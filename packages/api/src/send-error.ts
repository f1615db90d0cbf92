import { EngineError, httpStatusOf } from "@pouchcontainer/errors";
import type { ServerResponse } from "node:http";
import type { MediaType } from "./endpoints/endpoint.ts";

/** Content type of a connection that is taken over; a handler that sets it before it fails is refused in it. */
const rawStream = "application/vnd.docker.raw-stream" satisfies MediaType;

/**
 * Answers with a failure as Docker does: `{"message": …}` with the status of the error's kind. After the head was sent all that
 * is left is to break off.
 */
export function sendError(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { kind, message } = EngineError.from(thrown);
  if (response.getHeader("Content-Type") === rawStream) {
    refuseStream(response, httpStatusOf(kind), message);
    return;
  }
  for (const name of ["Content-Length", "Content-Type", "Transfer-Encoding"]) response.removeHeader(name);
  const status = httpStatusOf(kind);
  if (status === 304) {
    response.writeHead(status);
    response.end();
    return;
  }
  const body = Buffer.from(`${JSON.stringify({ message })}\n`);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length });
  response.end(body);
}

/** As dockerd refuses an attach: it has taken the connection over by then, so there is no header but the type, and the end is the connection's. */
function refuseStream(response: ServerResponse, status: number, message: string): void {
  for (const name of response.getHeaderNames()) if (name !== "content-type") response.removeHeader(name);
  // Also those that are not there: node:http adds what was not removed.
  for (const name of ["Connection", "Content-Length", "Transfer-Encoding"]) response.removeHeader(name);
  response.sendDate = false;
  response.shouldKeepAlive = false;
  response.writeHead(status);
  response.end(`${message}\r\n`);
}
