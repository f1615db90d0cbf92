import { EngineError, resourceExhausted } from "@pouchcontainer/errors";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** What one side of the protocol may cost the other. */
export interface ConnectionBounds {
  /** Most connections at once; others are closed. */
  connections: number;
  /** How long the head of a request may take. */
  headMs: number;
}

/**
 * Answers requests of the protocol on a Unix socket; anything thrown becomes a `WireError`. `bounds`: none where only the daemon, who made the
 * socket for itself, connects.
 */
export function createWireServer(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  bounds?: ConnectionBounds,
): Server {
  const options = {
    keepAlive: true,
    noDelay: true,
    maxHeaderSize: 1024 * 1024,
    ...(bounds && { headersTimeout: bounds.headMs, connectionsCheckingInterval: Math.ceil(bounds.headMs / 2) }),
  };
  const server = createServer(options, (request, response) => {
    response.on("error", () => response.destroy());
    handle(request, response).catch((error: unknown) => sendError(response, error));
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 600_000;
  if (bounds !== undefined) server.maxConnections = bounds.connections;
  return server;
}

/** Resolves when it listens; rejects where it cannot. */
export async function listen(server: Server, socketPath: string): Promise<void> {
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(socketPath, listening);
  });
}

export function sendJson(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

function sendError(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // A plugin may carry its own copy of the error class: the shape decides.
  const kind =
    thrown instanceof Error && "kind" in thrown && typeof thrown.kind === "string" ? thrown.kind : EngineError.from(thrown).kind;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const body = JSON.stringify({ Err: message === "" ? "an error without a message" : message, Kind: kind });
  response.writeHead(500, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

/** The whole body of a request. Throws `resourceExhausted` when it is too large; by default it may have any size. */
export async function readRequest(request: IncomingMessage, { maxBytes = Infinity } = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // An incoming message without encoding yields buffers.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw resourceExhausted(`the question is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
