import { EngineError } from "@pouchcontainer/errors";
import type { Duplex, Writable } from "node:stream";
import type { StdioSession } from "./backend.ts";
import { encodeOutput, errorFrame } from "./stdcopy.ts";
import { writeOutput } from "./write-output.ts";

/**
 * Connects a taken over connection with a process until its output ends or the client goes away. A client that ends its side
 * (half-close) ends its input only. `raw` output has no frames.
 */
export async function serveSession(session: StdioSession, stream: Duplex, raw: boolean): Promise<void> {
  stream.once("close", () => letGo(session));
  if (stream.destroyed) letGo(session);
  connectInput(session, stream);
  try {
    for await (const chunk of session.output) await writeOutput(stream, encodeOutput(chunk, raw));
  } catch (thrown) {
    if (!stream.writable) return;
    const { message } = EngineError.from(thrown);
    stream.write(raw ? `${message}\r\n` : errorFrame(message));
  } finally {
    await finish(stream);
  }
}

/** The client is gone. It has nothing more to type either, also when it broke off without an end (moby closes an exec's stdin then, too). */
function letGo(session: StdioSession): void {
  session.input?.on("error", () => undefined).end();
  session.close();
}

function connectInput({ input }: StdioSession, stream: Duplex): void {
  if (!input) {
    // Read on, so that the end of the connection is noticed.
    stream.resume();
    return;
  }
  // The process may close its stdin or end at any moment; what is typed then has no effect.
  input.on("error", () => stream.resume());
  input.on("drain", () => stream.resume());
  // A socket that is not read tells its end as well when nothing came before it.
  if (stream.readableEnded) input.end();
  else stream.on("end", () => input.end());
  stream.on("data", (chunk: Buffer) => forward(input, chunk, stream));
  stream.resume();
}

function forward(input: Writable, data: Uint8Array, stream: Duplex): void {
  if (input.writable && !input.write(data)) stream.pause();
}

/** Ends our side, and the connection when the client does not follow at once: all was said. */
function finish(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    stream.once("close", () => resolve());
    stream.end(() => {
      const patience = setTimeout(() => stream.destroy(), 1000);
      patience.unref();
      stream.once("close", () => clearTimeout(patience));
      stream.resume();
    });
  });
}
