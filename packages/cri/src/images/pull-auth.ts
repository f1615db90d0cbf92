import { invalidArgument } from "@pouchcontainer/errors";
import type { AuthConfig } from "../gen/runtime_v1_pb.ts";
import type { RegistryAuth } from "./image-deps.ts";

/** All are one registry. */
const dockerHub = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/**
 * The credentials of a pull from a registry; undefined where there are none for it: those for another server stay here. Messages
 * of errors hold nothing of them.
 */
export function pullAuth(given: AuthConfig, domain: string): RegistryAuth | undefined {
  if (given.serverAddress !== "" && !isSameRegistry(serverOf(given.serverAddress), domain)) return undefined;
  if (given.username !== "") return { username: given.username, password: given.password };
  if (given.identityToken !== "") return { identitytoken: given.identityToken };
  if (given.registryToken !== "") return { registrytoken: given.registryToken };
  return given.auth === "" ? undefined : pairOf(given.auth);
}

/** `https://registry.example/v1/` and `registry.example` are the same server. */
function serverOf(address: string): string {
  return address.replace(/^\w+:\/\//, "").split("/", 1)[0] ?? "";
}

function isSameRegistry(server: string, domain: string): boolean {
  return server === domain || (dockerHub.has(server) && dockerHub.has(domain));
}

/** base64 of `name:password`, with NUL bytes behind it as old tools leave them. */
function pairOf(auth: string): RegistryAuth {
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) throw invalidArgument("pull image: auth is not base64 of NAME:PASSWORD");
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/(?<!\0)\0+$/, "") };
}
