import type { IncomingMessage } from "node:http";
import { checkJsonBounds } from "@pouchcontainer/api";
import { internal } from "@pouchcontainer/errors";
import { digestOf, isDigest, isTag, matchesDigest, MediaType, sniffDocument, type Digest } from "@pouchcontainer/oci";
import { sendAuthorized } from "./authorized-send.ts";
import { Authorizer } from "./authorizer.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { HttpError } from "./http-error.ts";
import { readBody, type HttpResponse, type HttpTransport } from "./http-transport.ts";
import { RegistryError, type Asked } from "./registry-error.ts";
import type { RegistryHost } from "./registry-host.ts";
import { withRetry, type Clock } from "./retry.ts";

export interface RegistryClientOptions {
  /** Registry of the reference: mirrors are told it (`?ns=`). */
  domain: string;
  /** `library/busybox`. */
  repository: string;
  hosts: RegistryHost[];
  transport: HttpTransport;
  credentials: RegistryCredentials | undefined;
  clock: Clock;
}

export interface FetchedDocument {
  mediaType: string;
  digest: Digest;
  bytes: Buffer;
}

export interface OpenedBlob {
  body: IncomingMessage;
  /** Offset of the first byte: not what was asked for when the server ignores ranges. */
  start: number;
  url: string;
}

/** Bigger than any real manifest; the registry's own limit. */
const manifestLimit = 4 * 1024 * 1024;
/** A list of tags that never ends is no list. */
const mostTagPages = 1000;
const mostTags = 100_000;
/** Of a list of tags beside them: the object, the list, the name. */
const otherValues = 16;

const accept = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.dockerManifestList,
  MediaType.dockerManifest,
  MediaType.dockerSchema1Signed,
  "*/*",
].join(", ");

/** Reads one repository, from the first host that has what is asked for (distribution specification, "Pull"). */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #authorizer: Authorizer;
  /** Where the last answer came from: asked first the next time. */
  #preferred: RegistryHost | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    const scopes = [`repository:${options.repository}:pull`];
    this.#authorizer = new Authorizer({ transport: options.transport, credentials: options.credentials, scopes });
  }

  /** Digest a tag stands for now, by a request without a body; undefined when the registry does not say. */
  async headManifest(tag: string, signal: AbortSignal): Promise<Digest | undefined> {
    try {
      return await this.#onHosts("resolve", async (host) => {
        const response = await this.#send(host, "HEAD", `manifests/${tag}`, { accept }, "manifest", signal);
        response.body.resume();
        const digest = response.headers["docker-content-digest"];
        return typeof digest === "string" && isDigest(digest) ? digest : undefined;
      });
    } catch (error) {
      signal.throwIfAborted();
      // The answer to a HEAD has no body to explain itself with: the GET that follows does.
      if (error instanceof RegistryError) return undefined;
      throw error;
    }
  }

  /** A manifest or index by tag or digest; by digest it is checked. */
  async getManifest(tagOrDigest: string, signal: AbortSignal): Promise<FetchedDocument> {
    const byDigest = isDigest(tagOrDigest);
    return this.#onHosts(byDigest ? "pull" : "resolve", (host) =>
      withRetry(
        async () => {
          const response = await this.#send(host, "GET", `manifests/${tagOrDigest}`, { accept }, "manifest", signal);
          const bytes = await readBody(response, manifestLimit);
          const digest = byDigest ? tagOrDigest : digestOf(bytes);
          const said = response.headers["docker-content-digest"];
          const promised = byDigest ? tagOrDigest : typeof said === "string" && isDigest(said) ? said : undefined;
          if (promised !== undefined && !matchesDigest(bytes, promised)) {
            throw internal(`manifest verification failed for digest ${promised}`);
          }
          return { mediaType: mediaTypeOf(response, bytes), digest, bytes };
        },
        { clock: this.#options.clock, signal },
      ),
    );
  }

  /** All tags of the repository, in the registry's order, over as many pages as it makes of them. */
  async listTags(signal: AbortSignal): Promise<string[]> {
    return this.#onHosts("resolve", async (host) => {
      const tags: string[] = [];
      let query = "";
      for (let page = 0; page < mostTagPages && tags.length <= mostTags; page++) {
        const path = `tags/list${query}`;
        const { named, next } = await withRetry(
          async () => {
            const response = await this.#send(host, "GET", path, { accept: "application/json" }, "tags", signal);
            return { named: tagsIn(await readBody(response, manifestLimit)), next: nextPage(response.headers["link"]) };
          },
          { clock: this.#options.clock, signal },
        );
        tags.push(...named);
        if (next === undefined) return tags;
        query = next;
      }
      throw internal(`the list of tags of ${this.#options.repository} does not end`);
    });
  }

  /** Opens a blob at an offset. Faults of the connection afterwards surface on the body; opening again is up to the reader. */
  async openBlob(digest: Digest, offset: number, signal: AbortSignal): Promise<OpenedBlob> {
    return this.#onHosts("pull", async (host) => {
      const headers = { "accept-encoding": "identity", ...(offset > 0 && { range: `bytes=${offset}-` }) };
      const response = await this.#send(host, "GET", `blobs/${digest}`, headers, "blob", signal);
      return { body: response.body, start: response.status === 206 ? rangeStart(response) : 0, url: response.url };
    });
  }

  /**
   * Asks one host after the other. A mirror that fails, whatever the reason, is passed over; when all fail, the word of the
   * registry itself counts, and of its two schemes the one that answered.
   */
  async #onHosts<T>(capability: "resolve" | "pull", ask: (host: RegistryHost) => Promise<T>): Promise<T> {
    let verdict: unknown;
    for (const host of this.#hostsInOrder(capability)) {
      try {
        const answer = await ask(host);
        this.#preferred = host;
        return answer;
      } catch (error) {
        if (isAbort(error)) throw error;
        // A mirror that answered knows more than a registry that cannot be reached.
        const isSilent = error instanceof HttpError && error.unreachable;
        if (verdict === undefined || (host.isUpstream && !(isSilent && verdict instanceof RegistryError)))
          verdict = aboutHost(host, error);
        // The registry has spoken: its other scheme would say the same, or leak what TLS protects.
        if (host.isUpstream && !isSilent) break;
      }
    }
    throw verdict ?? internal(`no host of registry ${this.#options.domain} is configured for "${capability}"`);
  }

  #hostsInOrder(capability: "resolve" | "pull"): RegistryHost[] {
    const able = this.#options.hosts.filter((host) => host.capabilities[capability]);
    const preferred = this.#preferred;
    if (preferred === undefined || !able.includes(preferred)) return able;
    const others = able.filter((host) => host !== preferred && !(host.isUpstream && preferred.isUpstream));
    return [preferred, ...others];
  }

  async #send(
    host: RegistryHost,
    method: "GET" | "HEAD",
    path: string,
    headers: Record<string, string>,
    what: Asked,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    return sendAuthorized({ transport: this.#options.transport, authorizer: this.#authorizer }, host, {
      method,
      url: this.#urlOf(host, path),
      headers,
      expected: [200, 206],
      what,
      signal,
    });
  }

  #urlOf(host: RegistryHost, path: string): string {
    const { domain, repository } = this.#options;
    const url = `${host.base}/${repository}/${path}`;
    return host.isUpstream ? url : `${url}${path.includes("?") ? "&" : "?"}ns=${encodeURIComponent(domain)}`;
  }
}

function tagsIn(body: Buffer): string[] {
  checkJsonBounds(body, {
    maxValues: mostTags + otherValues,
    refuse: (problem) => internal(`the registry's list of tags ${problem}`),
  });
  let list: unknown;
  try {
    list = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw internal("the registry's list of tags is no JSON", { cause });
  }
  const tags: unknown = typeof list === "object" && list !== null && "tags" in list ? list.tags : undefined;
  // A repository whose tags are all deleted has none, or null.
  if (tags === null || tags === undefined) return [];
  if (!Array.isArray(tags)) throw internal("the registry's list of tags has none");
  return tags.map((tag: unknown) => {
    if (typeof tag === "string" && isTag(tag)) return tag;
    throw internal(`the registry's list of tags has one that is none: ${JSON.stringify(tag)}`);
  });
}

/** Of `Link: </v2/app/tags/list?last=x&n=100>; rel="next"` the query: what else it says does not lead anywhere. */
function nextPage(link: string | string[] | undefined): string | undefined {
  const match = /<[^<>?]*(\?[^<>]*)>\s*;[^,<]*\brel="?next"?/i.exec([link].flat().join(","));
  return match?.[1];
}

function mediaTypeOf(response: HttpResponse, bytes: Uint8Array): string {
  const said = (response.headers["content-type"] ?? "").split(";", 1)[0]?.trim() ?? "";
  if (said.startsWith("application/vnd.")) return said;
  const sniffed = { index: MediaType.ociIndex, manifest: MediaType.ociManifest, schema1: MediaType.dockerSchema1, unknown: said };
  return sniffed[sniffDocument(bytes)];
}

function rangeStart(response: HttpResponse): number {
  const match = /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "");
  return match ? Number(match[1]) : 0;
}

/** A host that cannot be reached is named by its root, whatever was asked of it: so Docker says it, after its ping. */
export function aboutHost(host: RegistryHost, error: unknown): unknown {
  if (!(error instanceof HttpError) || !error.unreachable) return error;
  return new HttpError("GET", `${host.base}/`, error.reason, {
    transient: error.transient,
    unreachable: true,
    cause: error.cause,
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
