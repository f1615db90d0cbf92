import type { AuthConfig } from "@pouchcontainer/api";
import { readClientConfig } from "../client-config.ts";
import type { ClientConfig, StoredLogin } from "../client-config.ts";
import type { CliContext } from "../context.ts";
import { helperFor } from "./credential-helper.ts";

/** The name Docker Hub has in configurations. */
export const hubServer = "https://index.docker.io/v1/";

/** The server name a registry's login is kept under. */
export const serverOf = (registry: string): string =>
  ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(registry) ? hubServer : registry;

/** The same for all registries that a configuration names: who asks does not know which it will be. */
export function allCredentials(context: CliContext): Record<string, AuthConfig> {
  const configs = foldersOf(context).map(readClientConfig);
  const servers = configs.flatMap(({ auths = {}, credHelpers = {} }) => [...Object.keys(auths), ...Object.keys(credHelpers)]);
  const known = [...new Set(servers)].map((server) => [server, credentialsFor(context, server)] as const);
  return Object.fromEntries(known.flatMap(([server, auth]) => (auth === undefined ? [] : [[server, auth]])));
}

function foldersOf({ configFolder, env }: CliContext): string[] {
  const home = env["HOME"];
  const folders = [configFolder, env["DOCKER_CONFIG"] ?? (home === undefined ? undefined : `${home}/.docker`)];
  return folders.filter((folder) => folder !== undefined);
}

/** What is known to log in to a registry with: from this client's configuration, else from Docker's. */
export function credentialsFor(context: CliContext, registry: string): AuthConfig | undefined {
  const server = serverOf(registry);
  for (const folder of foldersOf(context)) {
    const found = lookUp(context, readClientConfig(folder), server);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lookUp({ env }: CliContext, config: ClientConfig, server: string): AuthConfig | undefined {
  const helper = helperFor(config, server, env);
  if (helper !== undefined) return helper.get(server);
  const [key] = keysOf(config, server);
  const login = key === undefined ? undefined : config.auths?.[key];
  return login === undefined ? undefined : readLogin(login, server);
}

/** The names that a server's login has in a configuration, which may say more than its host (`https://…/v2/`); its own first. */
export function keysOf({ auths = {} }: ClientConfig, server: string): string[] {
  const wanted = hostOf(server);
  const others = Object.keys(auths).filter((key) => key !== server && hostOf(key) === wanted);
  return Object.hasOwn(auths, server) ? [server, ...others] : others;
}

const hostOf = (server: string): string => server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

function readLogin({ auth, identitytoken }: StoredLogin, server: string): AuthConfig | undefined {
  if (identitytoken !== undefined && identitytoken !== "") return { identitytoken, serveraddress: server };
  const text = Buffer.from(auth ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/(?<!\0)\0+$/, ""), serveraddress: server };
}

/** The `X-Registry-Auth` header for a registry, when there is a login. */
export function authHeader(context: CliContext, registry: string): Record<string, string> {
  const auth = credentialsFor(context, registry);
  return auth === undefined ? {} : { "X-Registry-Auth": encodeAuth(auth) };
}

export const encodeAuth = (auth: AuthConfig | Record<string, AuthConfig>): string =>
  Buffer.from(JSON.stringify(auth)).toString("base64url");
