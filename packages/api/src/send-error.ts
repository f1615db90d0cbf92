import { EngineError, httpStatusOf } from "@pouchcontainer/errors";
import type { ServerResponse } from "node:http";

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
