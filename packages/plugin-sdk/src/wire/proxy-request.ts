import { EngineError, internal, unavailable } from "@pouchcontainer/errors";
import { inBackground, joinConnections, noticeHangup, ownConnection } from "@pouchcontainer/owners";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Headers that belong to one connection and not to the message. */
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/**
 * Passes a request on to an HTTP server behind a Unix socket and its answer back, as streams: nothing is held in memory, ends and
 * aborts pass through in both directions, and an upgraded connection (attach, exec) is spliced.
 */
export function proxyRequest(
  target: { socketPath: string; path: string; headers?: Record<string, string> },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const upgrade = request.headers.upgrade;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !hopByHop.has(name)) headers[name] = value;
  if (upgrade !== undefined) Object.assign(headers, { connection: "Upgrade", upgrade });
  // Without a length the body, if any, is sent in chunks.
  const outgoing = httpRequest({
    socketPath: target.socketPath,
    path: target.path,
    method: request.method ?? "GET",
    headers: { ...headers, ...target.headers },
    agent: false,
  });
  // A client that went away ends the work at the other side.
  response.once("close", () => {
    if (!response.writableFinished && !response.headersSent) outgoing.destroy();
  });
  return new Promise((resolve, reject) => {
    let answered = false;
    const fail = (error: unknown): void => {
      outgoing.destroy();
      if (response.headersSent) response.destroy();
      reject(EngineError.from(error));
    };
    // More than one may come: of the connection, and of what was written to it.
    outgoing.on("error", (error) =>
      response.headersSent || response.destroyed ? resolve() : fail(unavailable(error.message, { cause: error })),
    );
    outgoing.once("response", (answer) => {
      answered = true;
      // The request failed meanwhile, and that was told.
      if (response.headersSent || response.destroyed) {
        answer.destroy();
        resolve();
        return;
      }
      try {
        passHead(answer, response);
      } catch (error) {
        answer.destroy();
        for (const name of Object.keys(answer.headers)) response.removeHeader(name);
        fail(error);
        return;
      }
      pipeline(answer, response).then(resolve, () => {
        outgoing.destroy();
        response.destroy();
        resolve();
      });
    });
    outgoing.once("upgrade", (answer, socket, head) => {
      try {
        splice(request, response, answer, socket, head);
        resolve();
      } catch (error) {
        socket.destroy();
        fail(error);
      }
    });
    if (hasBody(request)) {
      // An answer may come before the whole request was read, and counts.
      pipeline(request, outgoing).catch((error: unknown) => {
        if (!answered) fail(error);
      });
    } else outgoing.end();
  });
}

/** Throws for a head that no answer can have: a parser takes more than may be sent. */
function passHead(answer: IncomingMessage, response: ServerResponse): void {
  const { statusCode = 0 } = answer;
  if (statusCode < 200 || statusCode > 599)
    throw internal(`it answered with the status ${statusCode}; one from 200 to 599 is right`);
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !hopByHop.has(name)) response.setHeader(name, value);
  response.writeHead(statusCode);
  // Some clients wait for the head before they go on.
  response.flushHeaders();
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

/** Joins the client's connection and the upgraded one, each side's end passed on as an end. */
function splice(request: IncomingMessage, response: ServerResponse, answer: IncomingMessage, far: Duplex, head: Buffer): void {
  const near = request.socket;
  response.detachSocket(near);
  for (const event of ["data", "end", "timeout"]) near.removeAllListeners(event);
  near.setTimeout(0);
  const lines = [`HTTP/1.1 ${answer.statusCode ?? 101} ${answer.statusMessage ?? "UPGRADED"}`];
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2)
    lines.push(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}`);
  near.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (head.length > 0) near.write(head);
  noticeHangup(ownConnection(near));
  inBackground("passing an upgraded connection on", () => joinConnections(near, ownConnection(far)));
}
