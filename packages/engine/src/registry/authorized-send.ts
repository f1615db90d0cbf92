import { isOfHost, type Authorizer } from "./authorizer.ts";
import { parseChallenges } from "./challenge.ts";
import { readBody, type HttpRequest, type HttpResponse, type HttpTransport } from "./http-transport.ts";
import { RegistryError, registryErrorOf, type Asked } from "./registry-error.ts";
import type { RegistryHost } from "./registry-host.ts";

const errorBodyLimit = 64 * 1024;

export interface AuthorizedRequest extends Pick<HttpRequest, "method" | "url" | "body" | "signal"> {
  headers: Record<string, string>;
  /** Statuses of success; any other is a `RegistryError`. */
  expected: readonly number[];
  what: Asked;
}

/** Asks a host of a registry, and once more after it has said how to prove who asks. Only its own origin is given the proof. */
export async function sendAuthorized(
  { transport, authorizer }: { transport: HttpTransport; authorizer: Authorizer },
  host: RegistryHost,
  { headers, expected, what, ...request }: AuthorizedRequest,
): Promise<HttpResponse> {
  const isOwn = isOfHost(request.url, host);
  for (let attempt = 0; ; attempt += 1) {
    const authorization = isOwn ? authorizer.authorizationFor(host) : undefined;
    const originHeaders = isOwn ? { ...host.headers, ...(authorization !== undefined && { authorization }) } : {};
    const response = await transport.send({ ...request, headers, originHeaders, tls: host.tls });
    if (expected.includes(response.status)) return response;
    const body = request.method === "HEAD" ? "" : (await readBody(response, errorBodyLimit)).toString("utf8");
    response.body.resume();
    const mayAnswer = response.status === 401 && attempt === 0 && isOwn;
    if (mayAnswer && (await authorizer.answer(host, response, authorization, request.signal))) continue;
    throw refusalOf(response, body, what);
  }
}

function refusalOf(response: HttpResponse, body: string, what: Asked): RegistryError {
  const bearer = parseChallenges(response.headers["www-authenticate"] ?? "").find(({ scheme }) => scheme === "bearer");
  // RFC 6750, section 3.1: the token is good and not enough, which is how a registry says "not yours or not there".
  if (bearer?.parameters["error"] === "insufficient_scope") {
    return new RegistryError(
      response.status,
      "DENIED",
      `denied: ${bearer.parameters["error_description"] ?? "requested access to the resource is denied"}`,
    );
  }
  const answer = {
    status: response.status,
    statusText: response.body.statusMessage ?? "",
    body,
    retryAfter: response.headers["retry-after"],
  };
  return registryErrorOf(answer, what);
}
