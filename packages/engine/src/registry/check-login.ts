import type { AuthResponse } from "@pouchcontainer/api";
import { internal, unauthenticated } from "@pouchcontainer/errors";
import type { NamingDefaults } from "@pouchcontainer/oci";
import { Authorizer } from "./authorizer.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { HttpError } from "./http-error.ts";
import type { HttpTransport } from "./http-transport.ts";
import { RegistryError } from "./registry-error.ts";
import type { RegistryHost } from "./registry-host.ts";

/** Registry a login names: a host, or the URL Docker uses for its hub. */
export function registryOfLogin(serverAddress: string | undefined, naming: NamingDefaults): string {
  const host = (serverAddress ?? "").replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
  if (host === "") return naming.domain;
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

export interface LoginCheck {
  transport: HttpTransport;
  hosts: RegistryHost[];
  credentials: RegistryCredentials | undefined;
  signal: AbortSignal;
}

/** Asks the root of the registry's API with the credentials; mirrors are not asked, they never get them. */
export async function checkLogin(check: LoginCheck): Promise<AuthResponse> {
  let failure: unknown;
  for (const host of check.hosts.filter(({ isUpstream }) => isUpstream)) {
    try {
      return await ask(check, host);
    } catch (error) {
      failure = error;
      if (!(error instanceof HttpError && error.unreachable)) break;
    }
  }
  if (failure instanceof RegistryError) throw unauthenticated(failure.message, { cause: failure });
  throw failure instanceof HttpError ? internal(failure.message, { cause: failure }) : failure;
}

async function ask({ transport, credentials, signal }: LoginCheck, host: RegistryHost): Promise<AuthResponse> {
  const authorizer = new Authorizer({ transport, credentials, scopes: [] });
  const url = `${host.base}/`;
  for (let attempt = 0; ; attempt += 1) {
    const authorization = authorizer.authorizationFor(host);
    const originHeaders = { ...host.headers, ...(authorization !== undefined && { authorization }) };
    const response = await transport.send({ method: "GET", url, headers: {}, originHeaders, tls: host.tls, signal });
    response.body.resume();
    if (response.status === 200) return { Status: "Login Succeeded", IdentityToken: "" };
    const isChallenged = response.status === 401 && attempt === 0;
    if (isChallenged && (await authorizer.answer(host, response, authorization, signal))) continue;
    if (response.status === 401) throw unauthenticated(`Get "${url}": unauthorized: incorrect username or password`);
    throw internal(
      `Get "${url}": received unexpected HTTP status: ${response.status} ${response.body.statusMessage ?? ""}`.trimEnd(),
    );
  }
}
