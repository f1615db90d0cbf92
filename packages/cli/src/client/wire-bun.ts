import { ChunkQueue } from "./chunk-queue.ts";
import type { HostAddress } from "./host-address.ts";
import type { Wire } from "./wire.ts";

/** The part of Bun's TCP API that is used; described here because the sources are type-checked for Node. */
interface BunSocket {
  write(data: Uint8Array): number;
  shutdown(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}
interface BunRuntime {
  connect(options: {
    unix?: string;
    hostname?: string;
    port?: number;
    allowHalfOpen: boolean;
    socket: {
      data(socket: BunSocket, chunk: Uint8Array): void;
      drain(socket: BunSocket): void;
      end(socket: BunSocket): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
      connectError(socket: BunSocket, error: Error): void;
    };
  }): Promise<BunSocket>;
}

/** A Wire over Bun's own sockets. */
export async function dialBun(address: HostAddress): Promise<Wire> {
  // dial() only comes here when the global exists.
  const bun = (globalThis as unknown as { Bun: BunRuntime }).Bun;
  let drained: (() => void) | undefined;
  let closed = false;
  const incoming = new ChunkQueue({ pause: () => socket.pause(), resume: () => socket.resume() });
  const finish = (error?: Error): void => {
    incoming.end(error);
    drained?.();
  };
  const socket = await bun.connect({
    ...(address.kind === "unix" ? { unix: address.path } : { hostname: address.host, port: address.port }),
    allowHalfOpen: true,
    socket: {
      data: (_socket, chunk) => incoming.push(chunk.slice()),
      drain: () => drained?.(),
      end: () => finish(),
      close: () => {
        closed = true;
        finish();
      },
      error: (_socket, error) => finish(error),
      connectError: (_socket, error) => finish(error),
    },
  });
  let turn = Promise.resolve();
  const writeAll = async (bytes: Uint8Array): Promise<void> => {
    let rest = bytes;
    for (;;) {
      if (closed) throw new Error("the connection was closed");
      const written = socket.write(rest);
      if (written < 0) throw new Error("the connection was closed");
      rest = rest.subarray(written);
      if (rest.length === 0) return;
      await new Promise<void>((resolve) => (drained = resolve));
      drained = undefined;
    }
  };
  return {
    write(data) {
      // One write at a time: two that are interleaved by a full socket buffer would mix their bytes.
      turn = turn.then(() => writeAll(typeof data === "string" ? Buffer.from(data) : data));
      const result = turn;
      turn = turn.catch(() => undefined);
      return result;
    },
    end: () => {
      turn = turn.then(() => {
        if (!closed) socket.shutdown();
      });
    },
    destroy: () => socket.terminate(),
    [Symbol.asyncIterator]: () => incoming[Symbol.asyncIterator](),
  };
}
