import { EngineError } from "@pouchcontainer/errors";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import type { StdioSession } from "./backend.ts";
import { DetachDetector } from "./detach-keys.ts";
import { encodeOutput, errorFrame } from "./stdcopy.ts";
import { writeOutput } from "./write-output.ts";

/**
 * Connects a taken over connection with a process until its output ends, the client goes away or types the detach keys. A
 * client that ends its side (half-close) ends stdin only.
 */
export async function serveSession(session: StdioSession, socket: Socket, detachKeys: Buffer): Promise<void> {
  socket.once("close", () => letGo(session));
  if (socket.destroyed) letGo(session);
  connectInput(session, socket, detachKeys);
  try {
    for await (const chunk of session.output) await writeOutput(socket, encodeOutput(chunk, session.tty));
  } catch (thrown) {
    if (!socket.writable) return;
    const { message } = EngineError.from(thrown);
    socket.write(session.tty ? `${message}\r\n` : errorFrame(message));
  } finally {
    await finish(socket);
  }
}

/** The client is gone. It has nothing more to type either, also when it broke off without an end (moby closes an exec's stdin then, too). */
export function letGo(session: StdioSession): void {
  session.input?.on("error", () => undefined).end();
  session.close();
}

function connectInput(session: StdioSession, socket: Socket, detachKeys: Buffer): void {
  const { input } = session;
  if (!input) {
    // Read on, so that the end of the connection is noticed.
    socket.resume();
    return;
  }
  // The process may close its stdin or end at any moment; what is typed then has no effect.
  input.on("error", () => socket.resume());
  input.on("drain", () => socket.resume());
  socket.on("end", () => input.end());
  const detector = session.tty ? new DetachDetector(detachKeys) : undefined;
  socket.on("data", (chunk: Buffer) => {
    const { pass, detached } = detector ? detector.feed(chunk) : { pass: chunk, detached: false };
    if (pass.length > 0) forward(input, pass, socket);
    if (!detached) return;
    session.close();
    socket.end();
  });
}

function forward(input: Writable, data: Uint8Array, socket: Socket): void {
  if (input.writable && !input.write(data)) socket.pause();
}

/** Ends our side, and the connection when the client does not follow at once: all was said. */
function finish(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once("close", () => resolve());
    socket.end(() => {
      const patience = setTimeout(() => socket.destroy(), 1000);
      patience.unref();
      socket.once("close", () => clearTimeout(patience));
      socket.resume();
    });
  });
}
