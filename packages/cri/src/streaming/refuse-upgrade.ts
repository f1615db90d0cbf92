import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { lingerAndClose } from "./linger-and-close.ts";

export interface Refusal {
  status: number;
  message: string;
  headers?: Readonly<Record<string, string>>;
}

/** Answers a request for another protocol with a plain refusal, and closes the connection. */
export async function refuseUpgrade(connection: Duplex, { status, message, headers = {} }: Refusal): Promise<void> {
  const body = `${message}\n`;
  const lines = Object.entries({
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    Connection: "close",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  connection.resume();
  connection.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
  await lingerAndClose(connection);
}
