import type { Reference } from "@pouchcontainer/oci";
import type { RegistryCredentials } from "./credentials.ts";
import { HttpTransport } from "./http-transport.ts";
import { RegistryClient } from "./registry-client.ts";
import { registryHostsOf } from "./registry-hosts.ts";
import { RegistryUploader } from "./registry-uploader.ts";
import type { Clock } from "./retry.ts";

/** How registries are reached. */
export interface RegistrySettings {
  /** Root of the `hosts.toml` layout, for example /etc/containerd/certs.d. */
  certsDirectory?: string;
  /** Registries that may use plain HTTP or an unknown certificate: `host`, `host:port` or IPv4 network. */
  insecureRegistries?: readonly string[];
  userAgent: string;
  /** For proxy settings. */
  env: Record<string, string | undefined>;
  clock: Clock;
  /** Silence of a registry for that long is a fault. Default 60,000. */
  idleTimeoutMs?: number;
}

export interface OpenedRepository {
  client: RegistryClient;
  uploader: RegistryUploader;
  /** Lets go of its connections. */
  close(): void;
}

/** A repository with connections of its own: configuration and credentials are those of this moment. */
export async function openRepository(
  { certsDirectory, insecureRegistries = [], env, userAgent, clock, idleTimeoutMs }: RegistrySettings,
  { domain, path }: Pick<Reference, "domain" | "path">,
  credentials: RegistryCredentials | undefined,
): Promise<OpenedRepository> {
  const hosts = await registryHostsOf(domain, { ...(certsDirectory !== undefined && { certsDirectory }), insecureRegistries });
  const transport = new HttpTransport({ env, userAgent, ...(idleTimeoutMs !== undefined && { idleTimeoutMs }) });
  const options = { domain, repository: path, hosts, transport, credentials, clock };
  return {
    client: new RegistryClient(options),
    uploader: new RegistryUploader(options),
    close: () => transport.close(),
  };
}
