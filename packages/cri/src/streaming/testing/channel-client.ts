import { once } from "node:events";
import { PassThrough } from "node:stream";
import { WebSocket } from "ws";

/** A client's side of channels over WebSocket: what the server says in each is read from `output(n)`. */
export class ChannelClient {
  readonly socket: WebSocket;
  readonly #base64: boolean;
  readonly #outputs = new Map<number, PassThrough>();
  readonly closed: Promise<number>;

  constructor(socket: WebSocket, base64: boolean) {
    this.socket = socket;
    this.#base64 = base64;
    socket.on("message", (message: Buffer) => {
      const number = message.readUInt8(0) - (base64 ? 0x30 : 0);
      const chunk = base64 ? Buffer.from(message.toString("latin1", 1), "base64") : message.subarray(1);
      const output = this.output(number);
      if (output.write(chunk)) return;
      socket.pause();
      output.once("drain", () => socket.resume());
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once("close", (code) => {
        for (const output of this.#outputs.values()) output.end();
        resolve(code);
      });
    });
  }

  static async open(url: string, protocol: string | undefined): Promise<ChannelClient> {
    const socket = new WebSocket(url.replace(/^http/, "ws"), protocol === undefined ? [] : [protocol]);
    const client = new ChannelClient(socket, protocol?.includes("base64") === true);
    await once(socket, "open");
    return client;
  }

  output(channel: number): PassThrough {
    const output = this.#outputs.get(channel) ?? new PassThrough();
    this.#outputs.set(channel, output);
    return output;
  }

  send(channel: number, data: string | Buffer): Promise<void> {
    const bytes = Buffer.from(data);
    const message = this.#base64
      ? String.fromCharCode(0x30 + channel) + bytes.toString("base64")
      : Buffer.concat([Buffer.from([channel]), bytes]);
    return new Promise((resolve) => this.socket.send(message, () => resolve()));
  }
}
