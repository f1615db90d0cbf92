import type { ServerResponse } from "node:http";

/** Answers with a value as JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendJsonText(response, status, JSON.stringify(value));
}

/** Answers with text that is JSON already. */
export function sendJsonText(response: ServerResponse, status: number, json: string): void {
  const body = Buffer.from(`${json}\n`);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.length });
  response.end(body);
}

/** Answers without a body. */
export function sendEmpty(response: ServerResponse, status: number): void {
  if (status !== 204 && status !== 304) response.setHeader("Content-Length", 0);
  response.writeHead(status);
  response.end();
}
