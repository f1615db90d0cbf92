/** One place a repository can be read from: the registry itself, or a mirror of it. */
export interface RegistryHost {
  /** URL up to and including the API prefix, `https://registry-1.docker.io/v2`. */
  base: string;
  /** What it may be asked: `resolve` tags to digests, `pull` content by digest. */
  capabilities: { resolve: boolean; pull: boolean };
  /** The registry of the reference, not a mirror: only it is given the user's credentials. */
  isUpstream: boolean;
  headers: Record<string, string[]>;
  tls: RegistryTls;
}

export interface RegistryTls {
  /** Certificates are not checked. */
  skipVerify: boolean;
  /** PEM certificates trusted besides the system's. */
  authorities: string[];
  /** PEM pairs for a server that asks who we are. */
  clients: { certificate: string; key: string }[];
}
