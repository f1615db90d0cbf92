import { EngineError } from "@pouchcontainer/errors";
import type { Duplex, Writable } from "node:stream";
import { endStream } from "./end-stream.ts";

/** One forwarded connection: what passes, and a stream for a message when nothing can. */
export interface PortStreams {
  port: number;
  data: Duplex;
  error: Writable;
}

/** Connects a client's streams with a port; a failure is a message in the error stream. Never rejects. */
export async function servePort(
  { port, data, error }: PortStreams,
  podSandboxId: string,
  forward: () => Promise<void>,
): Promise<void> {
  try {
    await forward();
    await Promise.all([endStream(data), endStream(error)]);
  } catch (thrown) {
    const { message } = EngineError.from(thrown);
    await endStream(error, `error forwarding port ${port} to pod ${podSandboxId}: ${message}`);
  } finally {
    // What the client still says has nowhere to go.
    data.destroy();
    error.destroy();
  }
}
