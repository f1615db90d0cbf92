import type { IncomingMessage, ServerResponse } from "node:http";
import { digestOf } from "@pouchcontainer/oci";
import { inBackground } from "@pouchcontainer/owners";
import { refuse, type SeenRequest } from "./fake-requests.ts";

interface Upload {
  repository: string;
  bytes: Buffer;
}

/** Where pushed blobs go. */
export interface PushedBlobs {
  /** Its digest. */
  add(repository: string, bytes: Buffer): string;
  /** False where it is not in the other repository. */
  mount(repository: string, digest: string, from: string): boolean;
}

/** What a registry does with blobs that are pushed to it: it keeps what comes, also of connections that break. */
export class FakeUploads {
  /** By the name of their session. */
  readonly open = new Map<string, Upload>();
  readonly #blobs: PushedBlobs;
  /** How many were open at once. */
  most = 0;
  #begun = 0;

  constructor(blobs: PushedBlobs) {
    this.#blobs = blobs;
  }

  /** Answers what is asked about uploads; false where the request is about something else. */
  answer(request: IncomingMessage, seen: SeenRequest, response: ServerResponse): boolean {
    const [, repository, session] = /^\/v2\/(.+)\/blobs\/uploads\/(.*)$/.exec(seen.path) ?? [];
    if (repository === undefined || session === undefined) return false;
    if (session === "") this.#begin(repository, seen, response);
    else this.#goOn(session, request, seen, response);
    return true;
  }

  #begin(repository: string, { query }: SeenRequest, response: ServerResponse): void {
    const [mount, from] = [query.get("mount"), query.get("from")];
    if (mount !== null && from !== null && this.#blobs.mount(repository, mount, from)) {
      response.writeHead(201, { "docker-content-digest": mount }).end();
      return;
    }
    const session = `session-${(this.#begun += 1)}`;
    this.open.set(session, { repository, bytes: Buffer.alloc(0) });
    this.most = Math.max(this.most, this.open.size);
    response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${session}?state=begun` }).end();
  }

  #goOn(session: string, request: IncomingMessage, seen: SeenRequest, response: ServerResponse): void {
    const upload = this.open.get(session);
    if (upload === undefined) return refuse(response, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    if (seen.method === "DELETE") {
      this.open.delete(session);
      response.writeHead(204).end();
    } else if (seen.method === "GET") stands(upload, 204, response);
    else inBackground("taking what is pushed", () => this.#take(session, upload, request, seen, response));
  }

  async #take(
    session: string,
    upload: Upload,
    request: IncomingMessage,
    { method, query }: SeenRequest,
    response: ServerResponse,
  ): Promise<void> {
    const range = /^(\d+)-\d+$/.exec(request.headers["content-range"] ?? "");
    if (range !== null && Number(range[1]) !== upload.bytes.length) {
      request.resume();
      return stands(upload, 416, response);
    }
    try {
      // A request's chunks are buffers.
      for await (const chunk of request as AsyncIterable<Buffer>) upload.bytes = Buffer.concat([upload.bytes, chunk]);
    } catch {
      return; // the connection broke
    }
    if (method === "PATCH") return stands(upload, 202, response);
    this.open.delete(session);
    if (digestOf(upload.bytes) !== query.get("digest"))
      return refuse(response, 400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    response.writeHead(201, { "docker-content-digest": this.#blobs.add(upload.repository, upload.bytes) }).end();
  }
}

function stands({ bytes }: Upload, status: number, response: ServerResponse): void {
  response.writeHead(status, { range: `0-${Math.max(bytes.length - 1, 0)}` }).end();
}
