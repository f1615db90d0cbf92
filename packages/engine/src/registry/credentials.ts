import type { AuthConfig } from "@pouchcontainer/api";

/** How to prove who asks. At most one way is used: the registry token, the identity token, then name and password. */
export interface RegistryCredentials {
  username?: string;
  password?: string;
  /** OAuth2 refresh token, as `docker login` may store one. */
  identityToken?: string;
  /** Sent as it is. */
  registryToken?: string;
}

/** What an `X-Registry-Auth` header says; undefined when it says nothing. */
export function credentialsOf(auth: AuthConfig | undefined): RegistryCredentials | undefined {
  if (auth === undefined) return undefined;
  const pair = auth.auth ? splitPair(Buffer.from(auth.auth, "base64").toString("utf8")) : undefined;
  const username = auth.username || pair?.username;
  const password = auth.password || pair?.password;
  const credentials: RegistryCredentials = {
    ...(username && { username, password: password ?? "" }),
    ...(auth.identitytoken && { identityToken: auth.identitytoken }),
    ...(auth.registrytoken && { registryToken: auth.registrytoken }),
  };
  return Object.keys(credentials).length === 0 ? undefined : credentials;
}

function splitPair(text: string): { username: string; password: string } | undefined {
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/(?<!\0)\0+$/, "") };
}

export function basicAuthorization(credentials: RegistryCredentials): string | undefined {
  if (credentials.username === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password ?? ""}`).toString("base64")}`;
}
