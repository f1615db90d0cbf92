import { internal } from "@pouchcontainer/errors";
import { digestOf, type Digest } from "@pouchcontainer/oci";
import type { HttpResponse } from "./http-transport.ts";
import type { RegistryClientOptions } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";
import { RepositoryRequests } from "./repository-requests.ts";
import { isTransient, withRetry } from "./retry.ts";
import { uploadBlob, type BlobSource, type UploadCalls, type UploadSession } from "./upload-blob.ts";

/** How a blob came to be in a repository. */
export type BlobOutcome = { was: "there" } | { was: "sent" } | { was: "mounted"; from: string };

/** A registry that hangs does not hold up who gives an upload up. */
const cancelTimeoutMs = 5_000;

const binary = { "content-type": "application/octet-stream" };

/** Writes one repository, at the registry itself and at no mirror (distribution specification, "Push"). */
export class RegistryUploader {
  readonly #options: RegistryClientOptions;
  readonly #requests: RepositoryRequests;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#requests = new RepositoryRequests(options);
  }

  /** Puts a blob there; from another repository of the registry, if it says that it has it. */
  async putBlob(
    digest: Digest,
    source: BlobSource,
    signal: AbortSignal,
    options: { mountFrom?: string | undefined } = {},
  ): Promise<BlobOutcome> {
    const { clock } = this.#options;
    if (await withRetry(() => this.#hasBlob(digest, signal), { clock, signal })) return { was: "there" };
    const { mountedFrom } = await uploadBlob(this.#callsFor(digest, source, options.mountFrom), { clock, signal });
    return mountedFrom === undefined ? { was: "sent" } : { was: "mounted", from: mountedFrom };
  }

  /** Puts a manifest there, whose blobs are there, by a tag that stands for it from now on, or by its digest. */
  async putManifest(tagOrDigest: string, mediaType: string, bytes: Uint8Array, signal: AbortSignal): Promise<Digest> {
    const digest = digestOf(bytes);
    const path = `manifests/${tagOrDigest}`;
    const headers = { "content-type": mediaType };
    const request = { method: "PUT", path, headers, body: bytes, expected: [201], what: "manifest", signal } as const;
    const response = await withRetry(() => this.#requests.send(request), { clock: this.#options.clock, signal });
    const said = response.headers["docker-content-digest"];
    if (said !== undefined && said !== digest)
      throw internal(`the registry stored the manifest as ${String(said)}, it is ${digest}`);
    return digest;
  }

  #callsFor(digest: Digest, source: BlobSource, mountFrom: string | undefined): UploadCalls {
    let from = mountFrom;
    return {
      hasBlob: (signal) => this.#hasBlob(digest, signal),
      begin: async (signal) => {
        const mount = from;
        from = undefined;
        return (mount === undefined ? undefined : await this.#mount(digest, mount, signal)) ?? (await this.#begin(signal));
      },
      ask: (session, signal) => this.#ask(session, signal),
      sendRest: (session, signal) => this.#sendRest(digest, source, session, signal),
      cancel: (session) => this.#cancel(session),
    };
  }

  /** A HEAD has no words to refuse with: what is refused by one is refused in words by what comes next. */
  async #hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean> {
    return this.#unlessRefused(async () => {
      await this.#requests.send({ method: "HEAD", path: `blobs/${digest}`, expected: [200], what: "blob", signal });
      return true;
    }, false);
  }

  /** A registry that does not take it from there has begun an upload, or refuses and is asked for one. */
  async #mount(digest: Digest, from: string, signal: AbortSignal): Promise<UploadSession | { mountedFrom: string } | undefined> {
    const path = `blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    return this.#unlessRefused(async () => {
      const request = { method: "POST", path, reads: from, expected: [201, 202], what: "repository", signal } as const;
      const response = await this.#requests.send(request);
      return response.status === 201 ? { mountedFrom: from } : this.#begun(response);
    }, undefined);
  }

  async #begin(signal: AbortSignal): Promise<UploadSession> {
    const request = { method: "POST", path: "blobs/uploads/", expected: [202], what: "repository", signal } as const;
    return this.#begun(await this.#requests.send(request));
  }

  #begun(response: HttpResponse): UploadSession {
    const url = this.#locationOf(response);
    if (url === undefined) throw internal(`registry ${this.#options.domain} begins an upload and does not say where it is to go`);
    return { url, offset: 0 };
  }

  /** Of one byte or none a registry says the same (`Range: 0-0`). */
  async #ask(session: UploadSession, signal: AbortSignal): Promise<UploadSession | undefined> {
    return this.#unlessRefused(async () => {
      const request = { method: "GET", path: session.url, expected: [200, 202, 204], what: "upload", signal } as const;
      const response = await this.#requests.send(request);
      const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(response.headers["range"] ?? "")?.[1] ?? 0);
      return last > 0 ? { url: this.#locationOf(response) ?? session.url, offset: last + 1 } : undefined;
    }, undefined);
  }

  /** In one request where nothing is there, as the specification's simplest way; else the rest, and then the end. */
  async #sendRest(digest: Digest, source: BlobSource, session: UploadSession, signal: AbortSignal): Promise<void> {
    const { offset } = session;
    const { sizeBytes } = source;
    if (offset > sizeBytes) throw internal(`the registry says that it has ${offset} bytes of ${digest}, which has ${sizeBytes}`);
    const rest = { sizeBytes: sizeBytes - offset, open: () => source.open(offset) };
    if (offset > 0 && offset < sizeBytes) {
      const headers = { ...binary, "content-range": `${offset}-${sizeBytes - 1}` };
      const request = {
        method: "PATCH",
        path: session.url,
        headers,
        body: rest,
        expected: [202, 204],
        what: "upload",
        signal,
      } as const;
      session.url = this.#locationOf(await this.#requests.send(request)) ?? session.url;
    }
    const path = new URL(session.url);
    // As it stands there: it may be signed.
    path.search += `${path.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`;
    const body = offset > 0 ? new Uint8Array() : rest;
    await this.#requests.send({ method: "PUT", path, headers: binary, body, expected: [201, 204], what: "upload", signal });
  }

  async #cancel({ url }: UploadSession): Promise<void> {
    const signal = AbortSignal.timeout(cancelTimeoutMs);
    const request = { method: "DELETE", path: url, expected: [200, 202, 204], what: "upload", signal } as const;
    // The registry forgets it by itself, later.
    await this.#requests.send(request).catch(() => undefined);
  }

  #locationOf({ headers: { location }, url }: HttpResponse): URL | undefined {
    const target = location === undefined ? undefined : URL.parse(location, url);
    if (target?.protocol !== "https:" && target?.protocol !== "http:") return undefined;
    if (url.startsWith("https:") && target.protocol !== "https:")
      throw internal(`registry ${this.#options.domain} wants an upload sent to ${target.origin}, in the clear`);
    return target;
  }

  async #unlessRefused<T, O>(ask: () => Promise<T>, otherwise: O): Promise<T | O> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RegistryError && !isTransient(error)) return otherwise;
      throw error;
    }
  }
}
