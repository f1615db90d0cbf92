import { connect, type Socket } from "node:net";

/** A connection a client has for itself (attach, exec), read as bytes and packet by packet. */
export class Hijacked {
  readonly socket: Socket;
  /** What each read gave. */
  readonly packets: Buffer[] = [];
  readonly #ended: Promise<void>;

  /** Sends the request, with `after` in the same packet. */
  constructor(socketPath: string, path: string, body: unknown, after = "") {
    const json = JSON.stringify(body);
    const head = [
      `POST ${path} HTTP/1.1`,
      "Host: test",
      "Connection: Upgrade",
      "Upgrade: tcp",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(json)}`,
    ];
    this.socket = connect({ path: socketPath, allowHalfOpen: true });
    this.socket.on("data", (chunk: Buffer) => this.packets.push(chunk));
    this.#ended = new Promise((resolve) => {
      this.socket.once("end", resolve);
      this.socket.once("error", () => resolve());
    });
    this.socket.write(`${head.join("\r\n")}\r\n\r\n${json}${after}`);
  }

  get text(): string {
    return Buffer.concat(this.packets).toString("latin1");
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1] ?? 0);
  }

  /** The bytes after the head. */
  get output(): string {
    const { text } = this;
    return text.slice(text.indexOf("\r\n\r\n") + 4);
  }

  /** Waits until the daemon has ended its side, and ends ours. */
  async end(): Promise<string> {
    await this.#ended;
    this.socket.destroy();
    return this.output;
  }
}
