import type { AuthConfig } from "@pouchcontainer/api";
import { readClientConfig } from "../client-config.ts";
import type { ClientConfig, StoredLogin } from "../client-config.ts";
import type { CliContext } from "../context.ts";

/** The name Docker Hub has in configurations. */
export const hubServer = "https://index.docker.io/v1/";

/** The server name a registry's login is kept under. */
export const serverOf = (registry: string): string =>
  ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(registry) ? hubServer : registry;

/** What is known to log in to a registry with: from this client's configuration, else from Docker's. */
export function credentialsFor(context: CliContext, registry: string): AuthConfig | undefined {
  const server = serverOf(registry);
  const home = context.env["HOME"];
  const folders = [context.configFolder, context.env["DOCKER_CONFIG"] ?? (home === undefined ? undefined : `${home}/.docker`)];
  for (const folder of folders) {
    const found = folder === undefined ? undefined : lookUp(readClientConfig(folder), server);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lookUp(config: ClientConfig, server: string): AuthConfig | undefined {
  const helper = config.credHelpers?.[server] ?? config.credsStore;
  if (helper !== undefined && helper !== "") return askHelper(helper, server);
  const wanted = hostOf(server);
  const entry = Object.entries(config.auths ?? {}).find(([key]) => key === server || hostOf(key) === wanted);
  return entry === undefined ? undefined : readLogin(entry[1], server);
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

/** Asks `docker-credential-<name> get`; a helper that knows nothing answers with an exit status. */
function askHelper(name: string, server: string): AuthConfig | undefined {
  try {
    const answer: unknown = JSON.parse(
      process.getBuiltinModule("node:child_process").execFileSync(`docker-credential-${name}`, ["get"], {
        input: server,
        encoding: "utf8",
        stdio: ["pipe", "pipe", "ignore"],
      }),
    );
    if (typeof answer !== "object" || answer === null || !("Username" in answer) || !("Secret" in answer)) return undefined;
    const secret = String(answer.Secret);
    return answer.Username === "<token>"
      ? { identitytoken: secret, serveraddress: server }
      : { username: String(answer.Username), password: secret, serveraddress: server };
  } catch {
    return undefined; // no login for this registry, which many need none for
  }
}

/** The `X-Registry-Auth` header for a registry, when there is a login. */
export function authHeader(context: CliContext, registry: string): Record<string, string> {
  const auth = credentialsFor(context, registry);
  return auth === undefined ? {} : { "X-Registry-Auth": encodeAuth(auth) };
}

export const encodeAuth = (auth: AuthConfig): string => Buffer.from(JSON.stringify(auth)).toString("base64url");
