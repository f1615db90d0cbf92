import { internal } from "@pouchcontainer/errors";
import { sendAuthorized, type AuthorizedRequest } from "./authorized-send.ts";
import { Authorizer } from "./authorizer.ts";
import { HttpError } from "./http-error.ts";
import type { HttpResponse } from "./http-transport.ts";
import { aboutHost, type RegistryClientOptions } from "./registry-client.ts";
import type { RegistryHost } from "./registry-host.ts";

/** A request below a repository's URL, or at a URL that the registry named itself. */
export interface RepositoryRequest extends Omit<AuthorizedRequest, "url" | "headers"> {
  /** `blobs/uploads/`. */
  path: string | URL;
  headers?: Record<string, string>;
  /** A repository that is read besides. */
  reads?: string;
}

/** Requests that change a repository: they go to the registry itself and to no mirror. */
export class RepositoryRequests {
  readonly #options: RegistryClientOptions;
  readonly #authorizers = new Map<string, Authorizer>();
  /** The one that answered. */
  #host: RegistryHost | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  /** Asks the registry, of its two schemes by the one that answers; no body is left unread. */
  async send({ path, headers = {}, reads, ...request }: RepositoryRequest): Promise<HttpResponse> {
    const { transport, repository } = this.#options;
    const authorizer = this.#authorizerFor(reads);
    const hosts = this.#host === undefined ? this.#options.hosts.filter(({ isUpstream }) => isUpstream) : [this.#host];
    let verdict: unknown;
    for (const host of hosts) {
      try {
        const url = typeof path === "string" ? `${host.base}/${repository}/${path}` : path.href;
        const response = await sendAuthorized({ transport, authorizer }, host, { ...request, url, headers });
        response.body.resume();
        this.#host = host;
        return response;
      } catch (error) {
        verdict = aboutHost(host, error);
        if (!(error instanceof HttpError && error.unreachable)) break;
      }
    }
    throw verdict ?? internal(`registry ${this.#options.domain} is not among the hosts that its hosts.toml names`);
  }

  /** A token for another repository is one of its own: where that is refused, the others still count. */
  #authorizerFor(reads: string | undefined): Authorizer {
    const { transport, credentials, repository } = this.#options;
    const known = this.#authorizers.get(reads ?? "");
    if (known !== undefined) return known;
    const scopes = [`repository:${repository}:pull,push`, ...(reads === undefined ? [] : [`repository:${reads}:pull`])];
    const authorizer = new Authorizer({ transport, credentials, scopes });
    this.#authorizers.set(reads ?? "", authorizer);
    return authorizer;
  }
}
