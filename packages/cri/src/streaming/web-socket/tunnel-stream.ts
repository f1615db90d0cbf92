import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { closeWebSocket } from "./close-web-socket.ts";

/** A WebSocket as a stream of bytes, in binary messages; its end is a close frame. */
export class TunnelStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.binaryType = "nodebuffer";
    // With this type each message is one Buffer.
    socket.on("message", (message: Buffer) => {
      if (message.length > 0 && !this.push(message)) socket.pause();
    });
    // A broken connection and wrong frames are its end, told by "close" too.
    socket.on("error", () => undefined);
    socket.once("close", () => this.destroy());
    this.on("error", () => undefined);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(chunk, { binary: true }, done);
  }

  override _final(done: () => void): void {
    closeWebSocket(this.#socket).then(done, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }
}
