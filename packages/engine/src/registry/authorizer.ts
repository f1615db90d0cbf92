import { checkJsonBounds } from "@pouchcontainer/api";
import { internal } from "@pouchcontainer/errors";
import { parseChallenges, type Challenge } from "./challenge.ts";
import { basicAuthorization, type RegistryCredentials } from "./credentials.ts";
import { readBody, type HttpResponse, type HttpTransport } from "./http-transport.ts";
import { registryErrorOf } from "./registry-error.ts";
import { shownUrl } from "./shown-url.ts";
import type { RegistryHost } from "./registry-host.ts";

export interface AuthorizerOptions {
  transport: HttpTransport;
  credentials: RegistryCredentials | undefined;
  /** What is asked for, as `repository:library/busybox:pull`; nothing to be known, no more. */
  scopes: readonly string[];
}

const tokenAnswerLimit = 1024 * 1024;

/** The token flow of the distribution specification, and basic authentication. Credentials go to the registry itself, never to a mirror. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** By base URL of the host: the value of `Authorization` to send. */
  readonly #headers = new Map<string, string>();
  /** One flow per host at a time: layers that are refused together share the answer. */
  readonly #flows = new Map<string, Promise<void>>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  authorizationFor(host: RegistryHost): string | undefined {
    return this.#headers.get(host.base);
  }

  /**
   * Answers a 401. `used` is the header the refused request carried: when another flow replaced it meanwhile, there is
   * nothing to do. Resolves to false when a second try cannot end differently. Of somebody whom the registry redirected to nothing is
   * answered: who asks for a proof says where it is to be sent (`realm`).
   */
  async answer(
    host: RegistryHost,
    refused: Pick<HttpResponse, "headers" | "url">,
    used: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!isOfHost(refused.url, host)) return false;
    const current = this.#headers.get(host.base);
    if (current !== undefined && current !== used) return true;
    const running = this.#flows.get(host.base);
    if (running === undefined) {
      const flow = this.#run(host, parseChallenges(refused.headers["www-authenticate"] ?? ""), signal).finally(() =>
        this.#flows.delete(host.base),
      );
      this.#flows.set(host.base, flow);
      await flow;
    } else {
      await running;
    }
    const next = this.#headers.get(host.base);
    return next !== undefined && next !== used;
  }

  async #run(host: RegistryHost, challenges: Challenge[], signal: AbortSignal): Promise<void> {
    const credentials = host.isUpstream ? this.#options.credentials : undefined;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      const token = credentials?.registryToken ?? (await this.#fetchToken(host, bearer.parameters, credentials, signal));
      this.#headers.set(host.base, `Bearer ${token}`);
      return;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) return;
    const basic = credentials && basicAuthorization(credentials);
    if (basic === undefined) throw internal("no basic auth credentials");
    this.#headers.set(host.base, basic);
  }

  async #fetchToken(
    host: RegistryHost,
    parameters: Record<string, string>,
    credentials: RegistryCredentials | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const realm = realmOf(parameters["realm"], host);
    const service = parameters["service"] ?? "";
    const { scopes } = this.#options;
    const identityToken = credentials?.identityToken;
    const basic = credentials && basicAuthorization(credentials);
    const common = { tls: host.tls, signal, secret: true };
    let response;
    if (identityToken === undefined) {
      if (service !== "") realm.searchParams.set("service", service);
      for (const scope of scopes) realm.searchParams.append("scope", scope);
      if (credentials?.username !== undefined) realm.searchParams.set("account", credentials.username);
      response = await this.#options.transport.send({
        ...common,
        method: "GET",
        url: realm.href,
        headers: {},
        originHeaders: basic === undefined ? {} : { authorization: basic },
      });
    } else {
      const form = new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: identityToken,
        service,
        scope: scopes.join(" "),
        client_id: "pouchd",
      });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      response = await this.#options.transport.send({
        ...common,
        method: "POST",
        url: realm.href,
        headers,
        body: form.toString(),
      });
    }
    const body = await readBody(response, tokenAnswerLimit);
    if (response.status !== 200) {
      const retryAfter = response.headers["retry-after"];
      throw registryErrorOf(
        { status: response.status, statusText: response.body.statusMessage ?? "", body: body.toString("utf8"), retryAfter },
        "manifest",
      );
    }
    return tokenOf(body);
  }
}

/** Whether it is at the host's own origin. */
export const isOfHost = (url: string, { base }: RegistryHost): boolean => new URL(url).origin === new URL(base).origin;

/** A registry reached over TLS must not have the credentials sent somewhere in the clear. */
function realmOf(realm: string | undefined, host: RegistryHost): URL {
  let url: URL;
  try {
    url = new URL(realm ?? "");
  } catch {
    throw internal(`registry ${new URL(host.base).host} asks for a token and does not say where to get it`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && (host.base.startsWith("http:") || host.tls.skipVerify))) {
    throw internal(
      `registry ${new URL(host.base).host} wants its token fetched from ${shownUrl(url.href)}: credentials are not sent over an unprotected connection`,
    );
  }
  return url;
}

function tokenOf(body: Buffer): string {
  checkJsonBounds(body, { refuse: (problem) => internal(`the token server's answer ${problem}`) });
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw internal("the token server's answer is not JSON", { cause });
  }
  if (typeof document === "object" && document !== null) {
    if ("token" in document && typeof document.token === "string" && document.token !== "") return document.token;
    if ("access_token" in document && typeof document.access_token === "string" && document.access_token !== "")
      return document.access_token;
  }
  throw internal("authorization server did not include a token in the response");
}
