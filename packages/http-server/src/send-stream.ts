import { cancelled } from "@pouchcontainer/errors";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Answers with the bytes of a stream, at the client's pace. Whatever fails, the source is let go of, so that what it holds (a mount, a
 * lease, a child process) is given back; also when the client went away before there was a source.
 */
export async function sendStream(response: ServerResponse, headers: OutgoingHttpHeaders, source: Readable): Promise<void> {
  if (response.destroyed) {
    source.destroy();
    throw cancelled("the client went away");
  }
  try {
    response.writeHead(200, headers);
  } catch (error) {
    source.destroy();
    throw error;
  }
  await pipeline(source, response);
}
