import { decodeBody } from "./decode.ts";
import { RegistryConfig } from "./builds.ts";
import { AuthConfig } from "./images.ts";
import type { IncomingMessage } from "node:http";

/**
 * The credentials in `X-Registry-Auth` (base64, of either alphabet, of JSON). A header that cannot be read counts as none, as
 * with Docker: old clients send an empty or broken one for a pull that needs no credentials.
 */
export function registryAuth(request: IncomingMessage): AuthConfig | undefined {
  const header = request.headers["x-registry-auth"];
  if (typeof header !== "string" || header === "") return undefined;
  try {
    const auth = decodeBody(AuthConfig, JSON.parse(Buffer.from(header, "base64").toString("utf8")));
    return Object.values(auth).some((value) => value !== "") ? auth : undefined;
  } catch {
    return undefined;
  }
}

/** The credentials in `X-Registry-Config`, which a build has for all registries at once. One that cannot be read counts as none, too. */
export function registryConfig(request: IncomingMessage): RegistryConfig {
  const header = request.headers["x-registry-config"];
  if (typeof header !== "string" || header === "") return {};
  try {
    return decodeBody(RegistryConfig, JSON.parse(Buffer.from(header, "base64").toString("utf8")));
  } catch {
    return {};
  }
}
