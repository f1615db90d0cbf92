import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { upgrade } from "./spdy-client.ts";

const protocol = "SPDY/3.1+portforward.k8s.io";

/** A WebSocket as a stream of bytes. ws refuses the name of the protocol, so this speaks for itself (RFC 6455). */
export async function openTunnel(url: string): Promise<Duplex> {
  const handshake = { Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  const { socket, headers } = await upgrade(url, { ...handshake, "Sec-WebSocket-Protocol": protocol }, "GET");
  assert.equal(headers["sec-websocket-protocol"], protocol);
  return new Tunnel(socket);
}

class Tunnel extends Duplex {
  readonly #socket: Duplex;
  #pending = Buffer.alloc(0);

  constructor(socket: Duplex) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.once("close", () => this.destroy());
  }

  #take(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const short = this.#pending.length < 2 ? 0 : this.#pending.readUInt8(1);
      const header = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.#pending.length < header) return;
      const long = (): number => (short === 127 ? Number(this.#pending.readBigUInt64BE(2)) : this.#pending.readUInt16BE(2));
      const end = header + (short < 126 ? short : long());
      if (this.#pending.length < end) return;
      const [type, message] = [this.#pending.readUInt8(0), this.#pending.subarray(header, end)];
      this.#pending = this.#pending.subarray(end);
      // Binary, or a close frame.
      if (type === 0x82 && !this.push(message)) this.#socket.pause();
      if (type === 0x88) this.push(null);
    }
  }

  override _read(): void {
    this.#socket.resume();
  }

  /** Clients mask what they say; a mask of zeros is one. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const header = Buffer.alloc(14);
    header[0] = 0x82;
    header[1] = 0xff;
    header.writeBigUInt64BE(BigInt(chunk.length), 2);
    this.#socket.write(Buffer.concat([header, chunk]), () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
