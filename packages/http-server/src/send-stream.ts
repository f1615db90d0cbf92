import { cancelled } from "@pouchcontainer/errors";
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Answers with the bytes of a stream, at the client's pace. Whatever fails, the source is let go of, so that what it holds (a mount, a
 * lease, a child process) is given back; also when the client went away before there was a source.
 */
export async function sendStream(response: ServerResponse, contentType: string, source: Readable): Promise<void> {
  if (response.destroyed) {
    source.destroy();
    throw cancelled("the client went away");
  }
  response.writeHead(200, { "Content-Type": contentType });
  await pipeline(source, response);
}
