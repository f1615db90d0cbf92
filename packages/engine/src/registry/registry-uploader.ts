import { internal } from "@pouchcontainer/errors";
import { digestOf, type Digest } from "@pouchcontainer/oci";
import { sendAuthorized, type AuthorizedRequest } from "./authorized-send.ts";
import { Authorizer } from "./authorizer.ts";
import { HttpError } from "./http-error.ts";
import type { HttpResponse, StreamedBody } from "./http-transport.ts";
import { aboutHost, type RegistryClientOptions } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";
import type { RegistryHost } from "./registry-host.ts";
import { withRetry } from "./retry.ts";

/** Writes one repository, at the registry itself and at no mirror (distribution specification, "Push"). */
export class RegistryUploader {
  readonly #options: RegistryClientOptions;
  readonly #authorizer: Authorizer;
  /** The one that answered. */
  #host: RegistryHost | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    const scope = `repository:${options.repository}:pull,push`;
    this.#authorizer = new Authorizer({ transport: options.transport, credentials: options.credentials, scope });
  }

  /** Puts a blob there; false when it was there already. */
  async putBlob(digest: Digest, body: StreamedBody, signal: AbortSignal): Promise<boolean> {
    return this.#retried(signal, async (host) => {
      if (await this.#hasBlob(host, digest, signal)) return false;
      const url = await this.#beginUpload(host, signal);
      url.searchParams.append("digest", digest);
      const headers = { "content-type": "application/octet-stream" };
      const request = { method: "PUT", url: url.href, headers, body, expected: [201, 204], what: "blob", signal } as const;
      (await this.#send(host, request)).body.resume();
      return true;
    });
  }

  /** Lets a tag stand for a manifest, whose blobs are there. */
  async putManifest(tag: string, mediaType: string, bytes: Uint8Array, signal: AbortSignal): Promise<Digest> {
    const digest = digestOf(bytes);
    return this.#retried(signal, async (host) => {
      const url = `${this.#base(host)}/manifests/${tag}`;
      const headers = { "content-type": mediaType };
      const request = { method: "PUT", url, headers, body: bytes, expected: [201], what: "manifest", signal } as const;
      const response = await this.#send(host, request);
      response.body.resume();
      const said = response.headers["docker-content-digest"];
      if (said !== undefined && said !== digest)
        throw internal(`the registry stored the manifest as ${String(said)}, it is ${digest}`);
      return digest;
    });
  }

  async #hasBlob(host: RegistryHost, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const url = `${this.#base(host)}/blobs/${digest}`;
    try {
      const response = await this.#send(host, { method: "HEAD", url, headers: {}, expected: [200], what: "blob", signal });
      response.body.resume();
      return true;
    } catch (error) {
      if (error instanceof RegistryError && error.status === 404) return false;
      throw error;
    }
  }

  async #beginUpload(host: RegistryHost, signal: AbortSignal): Promise<URL> {
    const url = `${this.#base(host)}/blobs/uploads/`;
    const response = await this.#send(host, { method: "POST", url, headers: {}, expected: [202], what: "blob", signal });
    response.body.resume();
    const location = URL.parse(response.headers.location ?? "", response.url);
    if (response.headers.location === undefined || location === null)
      throw internal(`registry ${this.#options.domain} begins an upload and does not say where it is to go`);
    if (response.url.startsWith("https:") && location.protocol !== "https:")
      throw internal(`registry ${this.#options.domain} wants an upload sent to ${location.origin}, in the clear`);
    return location;
  }

  #base(host: RegistryHost): string {
    return `${host.base}/${this.#options.repository}`;
  }

  async #send(host: RegistryHost, request: AuthorizedRequest): Promise<HttpResponse> {
    return sendAuthorized({ transport: this.#options.transport, authorizer: this.#authorizer }, host, request);
  }

  async #retried<T>(signal: AbortSignal, ask: (host: RegistryHost) => Promise<T>): Promise<T> {
    return withRetry(() => this.#onHost(ask), { clock: this.#options.clock, signal });
  }

  /** Of the registry's two schemes the one that answers. */
  async #onHost<T>(ask: (host: RegistryHost) => Promise<T>): Promise<T> {
    const hosts = this.#host === undefined ? this.#options.hosts.filter(({ isUpstream }) => isUpstream) : [this.#host];
    let verdict: unknown;
    for (const host of hosts) {
      try {
        const answer = await ask(host);
        this.#host = host;
        return answer;
      } catch (error) {
        verdict = aboutHost(host, error);
        if (!(error instanceof HttpError && error.unreachable)) break;
      }
    }
    throw verdict ?? internal(`registry ${this.#options.domain} is not among the hosts that its hosts.toml names`);
  }
}
