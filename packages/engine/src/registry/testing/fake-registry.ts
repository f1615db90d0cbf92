import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { inBackground } from "@pouchcontainer/owners";

/** One request as the registry saw it. */
export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  range: string | undefined;
}

/** Answers in place of the registry; returns false to let it answer. */
export type Interceptor = (request: SeenRequest, response: ServerResponse) => boolean;

/** A registry on loopback that holds what a test gives it and misbehaves as a test asks. */
export class FakeRegistry implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** Asked before every answer, first to last. */
  readonly interceptors: Interceptor[] = [];
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  readonly #manifests = new Map<string, { mediaType: string; bytes: Buffer }>();

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    // A listening TCP server has an address with a port.
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  addBlob(bytes: Uint8Array | string): { digest: string; size: number } {
    const buffer = Buffer.from(bytes as Uint8Array);
    const digest = digestOf(buffer);
    this.#blobs.set(digest, buffer);
    return { digest, size: buffer.length };
  }

  /** Adds a manifest under its digest and the tags given. */
  addManifest(document: object, mediaType: string, ...tags: string[]): { mediaType: string; digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    for (const key of [digest, ...tags]) this.#manifests.set(key, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  }

  /** An image whose layers are the texts given, "unpacked" as they are. */
  addImage(
    layers: string[],
    platform: { os: string; architecture: string },
    ...tags: string[]
  ): { mediaType: string; digest: string; size: number } {
    const config = {
      ...platform,
      created: "2024-01-01T00:00:00Z",
      config: { Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: { mediaType: MediaType.ociConfig, ...this.addBlob(JSON.stringify(config)) },
      layers: layers.map((layer) => ({ mediaType: MediaType.ociLayer, ...this.addBlob(layer) })),
    };
    return this.addManifest(manifest, MediaType.ociManifest, ...tags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What it has under a tag or digest. */
  manifest(key: string): { mediaType: string; bytes: Buffer } | undefined {
    return this.#manifests.get(key);
  }

  /** One session for each blob, in one piece. */
  #take(request: IncomingMessage, seen: SeenRequest, response: ServerResponse): void {
    if (request.method === "POST") {
      response.writeHead(202, { location: `${seen.path}session?state=begun` }).end();
      return;
    }
    inBackground("taking what is pushed", async () => {
      const bytes = await bodyOf(request);
      const key = /\/manifests\/([^/]+)$/.exec(seen.path)?.[1];
      if (key !== undefined) {
        const mediaType = request.headers["content-type"] ?? "";
        for (const name of [key, digestOf(bytes)]) this.#manifests.set(name, { mediaType, bytes });
      } else if (this.addBlob(bytes).digest !== seen.query.get("digest"))
        return refuse(response, 400, "DIGEST_INVALID", "provided digest did not match uploaded content");
      response.writeHead(201, { "docker-content-digest": digestOf(bytes) }).end();
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://registry");
    const seen: SeenRequest = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
      range: request.headers.range,
    };
    this.requests.push(seen);
    if (this.interceptors.some((intercept) => intercept(seen, response))) return;
    if (request.method === "POST" || request.method === "PUT") return this.#take(request, seen, response);
    const [, kind, key = ""] = /\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? [];
    const blob = kind === "blobs" ? this.#blobs.get(key) : undefined;
    const manifest = kind === "manifests" ? this.#manifests.get(key) : undefined;
    if (blob !== undefined) return sendBlob(seen, response, blob);
    if (manifest === undefined)
      return refuse(response, 404, kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN", "manifest unknown");
    response.writeHead(200, {
      "content-type": manifest.mediaType,
      "content-length": manifest.bytes.length,
      "docker-content-digest": digestOf(manifest.bytes),
    });
    response.end(seen.method === "HEAD" ? undefined : manifest.bytes);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  // A request's chunks are buffers.
  return Buffer.concat(await request.toArray());
}

function sendBlob(seen: SeenRequest, response: ServerResponse, blob: Buffer): void {
  const start = Number(/^bytes=(\d+)-$/.exec(seen.range ?? "")?.[1] ?? 0);
  if (start === 0) {
    response.writeHead(200, { "content-length": blob.length });
    response.end(blob);
    return;
  }
  response.writeHead(206, {
    "content-length": blob.length - start,
    "content-range": `bytes ${start}-${blob.length - 1}/${blob.length}`,
  });
  response.end(blob.subarray(start));
}

export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** Lets the first `times` requests that fit be answered otherwise. */
export function faulty(
  times: number,
  fits: (request: SeenRequest) => boolean,
  answer: (response: ServerResponse, request: SeenRequest) => void,
): Interceptor {
  let left = times;
  return (request, response) => {
    if (left === 0 || !fits(request)) return false;
    left -= 1;
    answer(response, request);
    return true;
  };
}
