import { deadlineExceeded } from "@pouchcontainer/errors";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Hears a connection's errors for as long as it lives: one that breaks is destroyed, and its `close` tells. */
export function ownConnection<Connection extends Duplex>(connection: Connection): Connection {
  return connection.on("error", () => connection.destroy());
}

/** Connects; rejects with the system's error, after the deadline, or when cancelled. What it resolves to is owned. */
export function openConnection(
  target: NetConnectOpts,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect(target);
    const timer = setTimeout(() => socket.destroy(deadlineExceeded(`no connection within ${timeoutMs} ms`)), timeoutMs);
    const onAbort = (): void => {
      socket.destroy(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const settled = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    ownConnection(socket).once("error", (error) => {
      settled();
      reject(error);
    });
    socket.once("connect", () => {
      settled();
      resolve(socket);
    });
  });
}

/**
 * Passes bytes in both directions until both have ended. An end is passed on as an end (half-close); a side that breaks takes the
 * other with it. Resolves when nothing more passes, however that came; the slower side sets the pace.
 */
export async function joinConnections(one: Duplex, other: Duplex): Promise<void> {
  for (const side of [one, other]) {
    // Else Node ends a side by itself when its peer has, and takes what is still on its way along.
    side.allowHalfOpen = true;
    // Two pipelines, on top of what an HTTP server listens for, look like a leak to Node.
    side.setMaxListeners(0);
  }
  await Promise.allSettled([pipeline(one, other), pipeline(other, one)]);
  // Also one that was gone before the other could be joined to it.
  one.destroy();
  other.destroy();
}
