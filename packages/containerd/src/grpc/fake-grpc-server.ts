import { mkdtempSync, rmSync } from "node:fs";
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type FakeHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** An HTTP/2 server on a Unix socket that a test lets speak gRPC well or badly, and that can go and come back. */
export class FakeGrpcServer implements AsyncDisposable {
  readonly address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "fake-grpc-"));
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #handler: FakeHandler;
  #server: Http2Server | undefined;
  connections = 0;
  /** HTTP/2 pings that came. */
  pings = 0;

  constructor(handler: FakeHandler) {
    this.address = join(this.#folder, "s.sock");
    this.#handler = handler;
  }

  static async start(handler: FakeHandler): Promise<FakeGrpcServer> {
    const fake = new FakeGrpcServer(handler);
    await fake.listen();
    return fake;
  }

  async listen(): Promise<void> {
    const server = createServer();
    server.on("session", (session) => {
      this.connections += 1;
      this.#sessions.add(session);
      session.on("error", () => undefined);
      session.on("ping", () => (this.pings += 1));
      session.once("close", () => this.#sessions.delete(session));
    });
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => undefined);
      this.#handler(stream, headers);
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(this.address, resolve);
    await promise;
    this.#server = server;
  }

  /** As `kill -9` would end it. */
  async kill(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    const server = this.#server;
    if (!server) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Answers with these bytes and a status in trailers. */
export function reply(
  stream: ServerHttp2Stream,
  body: Uint8Array[],
  trailers: Record<string, string> = { "grpc-status": "0" },
): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  for (const chunk of body) stream.write(chunk);
  stream.end();
}
