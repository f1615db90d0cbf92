import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import http, { type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpServer, type HttpServerOptions } from "../http-server.ts";
import { fakeBackend, type FakeMethods } from "./fake-backend.ts";

/** An answer, whole. */
export interface Answer {
  status: number;
  statusText: string;
  headers: IncomingHttpHeaders;
  text: string;
  json(): unknown;
}

/** A server over a fake backend on a Unix socket of its own, and ways to talk to it. `await using` closes it. */
export class TestServer implements AsyncDisposable {
  readonly server: HttpServer;
  readonly socketPath: string;
  readonly #directory: string;

  private constructor(server: HttpServer, directory: string) {
    this.server = server;
    this.#directory = directory;
    this.socketPath = join(directory, "api.sock");
  }

  static async start(methods: FakeMethods, options: Partial<HttpServerOptions> = {}): Promise<TestServer> {
    const directory = await mkdtemp(join(tmpdir(), "pouch-http-"));
    const server = new HttpServer({ backend: fakeBackend(methods), version: "1.2.3", ...options });
    const test = new TestServer(server, directory);
    try {
      await server.listen({ socketPath: test.socketPath });
    } catch (error) {
      await rm(directory, { recursive: true });
      throw error;
    }
    return test;
  }

  /** One request; a body that is no string or Buffer is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const raw = typeof body === "string" || Buffer.isBuffer(body);
    const type: Record<string, string> = body === undefined || raw ? {} : { "Content-Type": "application/json" };
    return new Promise((resolve, reject) => {
      const request = http.request(
        { socketPath: this.socketPath, method, path, headers: { ...type, ...headers }, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const { statusCode = 0, statusMessage = "" } = response;
            resolve({
              status: statusCode,
              statusText: statusMessage,
              headers: response.headers,
              text,
              json: () => JSON.parse(text) as unknown,
            });
          });
        },
      );
      request.on("error", reject);
      request.end(body === undefined || raw ? body : JSON.stringify(body));
    });
  }

  get(path: string): Promise<Answer> {
    return this.request("GET", path);
  }

  /** A bare connection on which this request head (and what follows it) was written. */
  raw(head: string[], body = ""): RawConnection {
    const socket = connect({ path: this.socketPath, allowHalfOpen: true });
    socket.write(`${head.join("\r\n")}\r\nHost: test\r\n\r\n${body}`);
    return new RawConnection(socket);
  }

  /** Connections that the server still holds, as the kernel counts them: whatever the server itself believes. */
  openConnections(): number {
    // Fields: address, references, protocol, flags, type, state, inode, path. A connected socket is in state 3.
    const sockets = readFileSync("/proc/net/unix", "utf8").split("\n");
    return sockets.filter((line) => line.endsWith(` ${this.socketPath}`) && line.split(/ +/)[5] === "03").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ deadlineMilliseconds: 200 });
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A connection read as bytes. */
export class RawConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    socket.on("error", () => this.#finish());
    socket.on("end", () => this.#finish());
  }

  get text(): string {
    return this.#received.toString("latin1");
  }

  /** The bytes after the head. */
  get body(): Buffer {
    return this.#received.subarray(this.#received.indexOf("\r\n\r\n") + 4);
  }

  /** Waits until what was received has this text. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      if (this.#ended) throw new Error(`the connection ended before ${JSON.stringify(text)}: ${this.text}`);
      await this.#more();
    }
  }

  /** Waits until the server ended its side. */
  async end(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #finish(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
