import type { IncomingMessage } from "node:http";

/**
 * Reads what is left of a request's body, for nobody: a client may send all of it before it reads the answer, and would find the
 * connection broken off. Never rejects: a client that goes away has no more to send.
 */
export async function readToEnd(request: IncomingMessage): Promise<void> {
  try {
    // Iterated, since whoever read before may still have a hand on it, in which case `resume` does nothing.
    const chunks = request.iterator({ destroyOnReturn: false });
    for (let read = await chunks.next(); read.done !== true;) read = await chunks.next();
  } catch {
    // It went away.
  }
}
