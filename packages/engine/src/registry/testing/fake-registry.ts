import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf, MediaType } from "@pouchcontainer/oci";
import { inBackground } from "@pouchcontainer/owners";
import { refuse, type SeenRequest } from "./fake-requests.ts";
import { FakeUploads, type PushedBlobs } from "./fake-uploads.ts";

export { refuse, type SeenRequest } from "./fake-requests.ts";

/** Answers in place of the registry; returns false to let it answer. */
export type Interceptor = (request: SeenRequest, response: ServerResponse) => boolean;

/** A registry on loopback that holds what a test gives it and misbehaves as a test asks. */
export class FakeRegistry implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** Asked before every answer, first to last. */
  readonly interceptors: Interceptor[] = [];
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  /** Of blobs that were pushed: the repositories they are in. Others are in all. */
  readonly #pushedTo = new Map<string, Set<string>>();
  /** Uploads that have begun. */
  readonly uploads: FakeUploads = new FakeUploads(this.#pushed());
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

  /** What it has of a blob in a repository. */
  blob(repository: string, digest: string): Buffer | undefined {
    return (this.#pushedTo.get(digest)?.has(repository) ?? true) ? this.#blobs.get(digest) : undefined;
  }

  #pushed(): PushedBlobs {
    const add = (repository: string, digest: string): void => {
      this.#pushedTo.set(digest, (this.#pushedTo.get(digest) ?? new Set()).add(repository));
    };
    return {
      add: (repository, bytes) => {
        const { digest } = this.addBlob(bytes);
        add(repository, digest);
        return digest;
      },
      mount: (repository, digest, from) => {
        const isThere = this.blob(from, digest) !== undefined;
        if (isThere) add(repository, digest);
        return isThere;
      },
    };
  }

  #takeManifest(request: IncomingMessage, { path }: SeenRequest, response: ServerResponse): void {
    inBackground("taking what is pushed", async () => {
      // A request's chunks are buffers.
      const bytes = Buffer.concat(await request.toArray());
      const mediaType = request.headers["content-type"] ?? "";
      for (const key of [path.slice(path.lastIndexOf("/") + 1), digestOf(bytes)]) this.#manifests.set(key, { mediaType, bytes });
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
      body: request,
    };
    this.requests.push(seen);
    if (this.interceptors.some((intercept) => intercept(seen, response))) return;
    if (this.uploads.answer(request, seen, response)) return;
    const [, repository = "", kind, key = ""] = /^\/(?:v2\/)?(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (request.method === "PUT" && kind === "manifests") return this.#takeManifest(request, seen, response);
    const blob = kind === "blobs" ? this.blob(repository, key) : undefined;
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
