import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A request as its bytes. */
export interface RawRequest {
  head: string;
  body: Buffer;
}

/** The bytes of a request; a body that is not a Buffer is sent as JSON. `upgrade` asks for the connection itself, as attach does. */
export function rawRequest(method: string, path: string, body?: unknown, options: { upgrade?: boolean } = {}): RawRequest {
  const bytes = Buffer.isBuffer(body) ? body : body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
  const lines = [`${method} ${path} HTTP/1.1`, "Host: daemon"];
  if (body !== undefined) lines.push(`Content-Type: application/${Buffer.isBuffer(body) ? "x-tar" : "json"}`);
  if (method !== "GET") lines.push(`Content-Length: ${bytes.length}`);
  lines.push(...(options.upgrade === true ? ["Connection: Upgrade", "Upgrade: tcp"] : ["Connection: close"]));
  return { head: `${lines.join("\r\n")}\r\n\r\n`, body: bytes };
}

/** A client that does with its connection whatever it likes. */
export class RawClient {
  readonly #socket: Socket;
  /** Bytes that came, not what they were; the first of them stay. */
  received = 0;
  start = "";
  #closed = false;

  constructor(socketPath: string) {
    this.#socket = connect({ path: socketPath, allowHalfOpen: true });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => (this.#closed = true));
    this.#socket.on("end", () => (this.#closed = true));
    this.#socket.on("data", (chunk: Buffer) => {
      this.received += chunk.length;
      if (this.start.length < 4096) this.start += chunk.toString("latin1");
    });
  }

  /** Whether the daemon ended the answer, or all of the connection is gone. Where an upgrade was refused, the connection stays. */
  get ended(): boolean {
    return this.#closed || this.#isRefused();
  }

  #isRefused(): boolean {
    const [, head = "", bodyBytes] = /^(HTTP\/1\.1 [45].*?\r\nContent-Length: (\d+).*?\r\n\r\n)/is.exec(this.start) ?? [];
    return bodyBytes !== undefined && this.received >= head.length + Number(bodyBytes);
  }

  send({ head, body }: RawRequest): void {
    this.#socket.write(head);
    this.#socket.write(body);
  }

  /** The first bytes of a request, handed to the kernel before this resolves. */
  async sendPart({ head, body }: RawRequest, bytes: number): Promise<void> {
    const part = Buffer.concat([Buffer.from(head), body]).subarray(0, bytes);
    await new Promise<void>((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#socket.write(part, () => resolve());
    });
  }

  write(data: string | Buffer): void {
    this.#socket.write(data);
  }

  endSending(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  /** Reads until that many bytes are there, the answer has ended, or nothing came for a while. */
  async read(bytes: number, patienceMs: number): Promise<void> {
    for (let quietMs = 0, before = this.received; !this.#closed && this.received < bytes && quietMs < patienceMs;) {
      await sleep(5);
      quietMs = this.received === before ? quietMs + 5 : 0;
      before = this.received;
    }
  }
}
