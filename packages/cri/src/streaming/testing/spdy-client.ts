import { once } from "node:events";
import { request } from "node:http";
import { PassThrough, type Duplex } from "node:stream";
import { createDeflate, createInflate } from "node:zlib";
import { headerDictionary } from "../spdy/dictionary.ts";

/** What a server answered in the place of an upgrade. */
export class Refused extends Error {
  readonly status: number;
  readonly headers: Record<string, unknown>;

  constructor(status: number, headers: Record<string, unknown>) {
    super(`refused with ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

/** Asks for another protocol; rejects with `Refused`. */
export function upgrade(url: string, headers: Record<string, string | string[]>, method = "POST") {
  return new Promise<{ socket: Duplex; headers: Record<string, unknown> }>((resolve, reject) => {
    const asking = request(url, { method, agent: false, headers: { Connection: "Upgrade", Upgrade: "SPDY/3.1", ...headers } });
    asking.once("upgrade", (response, socket, head) => {
      socket.on("error", () => socket.destroy());
      if (head.length > 0) socket.unshift(head);
      resolve({ socket, headers: response.headers });
    });
    asking.once("response", (response) => {
      response.resume();
      reject(new Refused(response.statusCode ?? 0, response.headers));
    });
    asking.once("error", reject);
    asking.end();
  });
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** One stream of the client: what the server says is read from `output`. */
export class ClientStream {
  readonly id: number;
  readonly output = new PassThrough();
  readonly #client: SpdyClient;
  replied = Promise.withResolvers<void>();
  reset: number | undefined;

  constructor(client: SpdyClient, id: number) {
    this.#client = client;
    this.id = id;
    this.replied.promise.catch(() => undefined);
  }

  write(data: string | Buffer): Promise<void> {
    return this.#client.data(this.id, Buffer.from(data), 0);
  }

  end(data: string | Buffer = ""): Promise<void> {
    return this.#client.data(this.id, Buffer.from(data), 1);
  }

  cancel(): void {
    this.#client.control(3, Buffer.concat([word(this.id), word(5)]));
  }
}

/** SPDY/3.1 as clients of Kubernetes speak it, written apart from the server's: it compresses, and knows no windows. */
export class SpdyClient {
  readonly socket: Duplex;
  readonly protocol: unknown;
  readonly pongs: number[] = [];
  readonly closed: Promise<unknown>;
  gone = false;
  readonly #streams = new Map<number, ClientStream>();
  readonly #deflate = createDeflate({ dictionary: headerDictionary });
  readonly #inflate = createInflate({ dictionary: headerDictionary });
  #nextId = 1;

  constructor(socket: Duplex, protocol: unknown) {
    this.socket = socket;
    this.protocol = protocol;
    // Each stream that waits listens.
    this.#inflate.setMaxListeners(0);
    socket.setMaxListeners(0).on("error", () => socket.destroy());
    this.closed = this.#run();
  }

  static async open(url: string, protocols: string | string[]): Promise<SpdyClient> {
    const { socket, headers } = await upgrade(url, protocols === "" ? {} : { "X-Stream-Protocol-Version": protocols });
    return new SpdyClient(socket, headers["x-stream-protocol-version"]);
  }

  async stream(headers: Record<string, string>): Promise<ClientStream> {
    const stream = await this.make(headers);
    await stream.replied.promise;
    return stream;
  }

  async make(headers: Record<string, string>): Promise<ClientStream> {
    const stream = new ClientStream(this, this.#nextId);
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    if (this.socket.destroyed) stream.replied.reject(new Error("closed"));
    const pairs = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
    const texts = pairs.flatMap((text) => [word(text.length), Buffer.from(text)]);
    const block = await this.#compress(Buffer.concat([word(pairs.length / 2), ...texts]));
    this.control(1, Buffer.concat([word(stream.id), word(0), Buffer.alloc(2), block]));
    return stream;
  }

  control(type: number, body: Buffer): void {
    this.socket.write(Buffer.concat([Buffer.from([0x80, 3, 0, type]), word(body.length), body]));
  }

  async data(id: number, payload: Buffer, flags: number): Promise<void> {
    const head = Buffer.concat([word(id), word(payload.length)]);
    head[4] = flags;
    const taken = this.socket.write(head) && this.socket.write(payload);
    if (taken || this.socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.once("drain", resolve).once("close", resolve);
    await promise;
    this.socket.off("drain", resolve).off("close", resolve);
  }

  #compress(block: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#deflate.write(block);
      this.#deflate.flush(() => resolve(readAll(this.#deflate)));
    });
  }

  async #run(): Promise<void> {
    let pending = Buffer.alloc(0);
    try {
      for await (const chunk of this.socket) {
        pending = Buffer.concat([pending, chunk]);
        while (pending.length >= 8 && pending.length >= 8 + pending.readUIntBE(5, 3)) {
          const end = 8 + pending.readUIntBE(5, 3);
          await this.#frame(pending.subarray(0, 8), pending.subarray(8, end));
          pending = pending.subarray(end);
        }
      }
    } catch {
      // Broken off.
    }
    this.socket.destroy();
    for (const stream of this.#streams.values()) {
      stream.replied.reject(new Error("closed"));
      stream.output.end();
    }
  }

  async #frame(head: Buffer, body: Buffer): Promise<void> {
    if (head.readUInt8(0) < 0x80) {
      const stream = this.#streams.get(head.readUInt32BE(0));
      if (body.length > 0 && stream && !stream.output.write(body)) await once(stream.output, "drain");
      if (head.readUInt8(4) === 1) stream?.output.end();
      return;
    }
    const id = body.readUInt32BE(0);
    const stream = this.#streams.get(id);
    switch (head.readUInt16BE(2)) {
      case 2: {
        const block = await new Promise<Buffer>((resolve, reject) => {
          this.#inflate.once("error", reject);
          this.#inflate.write(body.subarray(4), () => resolve(readAll(this.#inflate)));
        });
        if (block.equals(word(0))) stream?.replied.resolve();
        else stream?.replied.reject(new Error("headers expected"));
        return;
      }
      case 3:
        if (stream) stream.reset = body.readUInt32BE(4);
        stream?.replied.reject(new Error(`reset: ${body.readUInt32BE(4)}`));
        stream?.output.end();
        return;
      case 6:
        if (id % 2 === 1) this.pongs.push(id);
        else this.control(6, body);
        return;
      case 7:
        this.gone = true;
        this.socket.end();
        return;
      default:
    }
  }
}

function readAll(stream: { read(): Buffer | null }): Buffer {
  const chunks: Buffer[] = [];
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
