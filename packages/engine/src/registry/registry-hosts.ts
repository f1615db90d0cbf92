import { readdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname, isAbsolute, join } from "node:path";
import { invalidArgument } from "@pouchcontainer/errors";
import { parseHostsToml, type HostsToml, type HostsTomlEntry } from "./hosts-toml.ts";
import type { RegistryHost, RegistryTls } from "./registry-host.ts";

export interface RegistryHostsOptions {
  /** Root of containerd's layout, `<root>/<host>/hosts.toml`; nothing is read where undefined. */
  certsDirectory?: string;
  /** Registries (`host`, `host:port` or CIDR) that may use plain HTTP or a certificate nobody signed. */
  insecureRegistries: readonly string[];
}

/**
 * Where the content of a registry's repositories comes from, in the order to ask. Read anew for each pull, so that a changed
 * file counts at once. A registry on loopback, and one named insecure, may answer over plain HTTP: TLS is tried first.
 */
export async function registryHostsOf(domain: string, options: RegistryHostsOptions): Promise<RegistryHost[]> {
  const folder = options.certsDirectory === undefined ? undefined : await findFolder(options.certsDirectory, domain);
  if (folder === undefined) return upstreamHosts(domain, noTls, options);
  const file = join(folder, "hosts.toml");
  const text = await readIfThere(file);
  if (text === undefined) return upstreamHosts(domain, await tlsOfFolder(folder), options);

  const { hosts, server }: HostsToml = parseHostsToml(text, file);
  const mirrors = await Promise.all(hosts.map((entry) => hostOf(entry, domain, file)));
  const upstream =
    server === undefined
      ? upstreamHosts(domain, noTls, options)
      : [{ ...(await hostOf(server, domain, file)), isUpstream: true }];
  return [...mirrors, ...upstream];
}

/** As the machine trusts others. */
export const noTls: RegistryTls = { skipVerify: false, authorities: [], clients: [] };

/** docker.io is the name of a namespace; its server is another. */
export function serverOf(domain: string): string {
  return domain === "docker.io" ? "registry-1.docker.io" : domain;
}

function upstreamHosts(domain: string, tls: RegistryTls, options: RegistryHostsOptions): RegistryHost[] {
  const base = { capabilities: { resolve: true, pull: true }, isUpstream: true, headers: {} };
  const server = serverOf(domain);
  if (!isInsecure(domain, options.insecureRegistries)) return [{ ...base, base: `https://${server}/v2`, tls }];
  return [
    { ...base, base: `https://${server}/v2`, tls: { ...tls, skipVerify: true } },
    { ...base, base: `http://${server}/v2`, tls: noTls },
  ];
}

export function isInsecure(domain: string, insecureRegistries: readonly string[]): boolean {
  const host = hostNameOf(domain);
  if (host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))) return true;
  return insecureRegistries.some((item) => item === domain || item === host || isInNetwork(host, item));
}

function hostNameOf(domain: string): string {
  return domain.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** IPv4 only: an IPv6 network has to be named by its addresses. */
function isInNetwork(host: string, network: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  if (isIP(host) !== 4 || isIP(address) !== 4 || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(host) / size) === Math.floor(numberOf(address) / size);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

async function hostOf(entry: HostsTomlEntry, domain: string, file: string): Promise<RegistryHost> {
  const capabilities = entry.capabilities ?? ["pull", "resolve"];
  const folder = dirname(file);
  const read = (name: string): Promise<string> => readConfigured(isAbsolute(name) ? name : join(folder, name), file);
  const url = baseOf(entry, file);
  return {
    base: url,
    capabilities: { resolve: capabilities.includes("resolve"), pull: capabilities.includes("pull") },
    isUpstream: new URL(url).host === serverOf(domain),
    headers: entry.headers,
    tls: {
      skipVerify: entry.skipVerify,
      authorities: await Promise.all(entry.authorityFiles.map(read)),
      clients: await Promise.all(
        entry.clientFiles.map(async ({ certificate, key }) => ({
          certificate: await read(certificate),
          key: await read(key ?? certificate),
        })),
      ),
    },
  };
}

function baseOf(entry: HostsTomlEntry, file: string): string {
  const bare = !/^[a-z][a-z0-9+.-]*:\/\//i.test(entry.host);
  const scheme = isInsecure(entry.host.split("/", 1)[0] ?? "", []) ? "http" : "https";
  let url: URL;
  try {
    url = new URL(bare ? `${scheme}://${entry.host}` : entry.host);
  } catch (cause) {
    throw invalidArgument(`cannot read registry configuration ${file}: "${entry.host}" is not a URL`, { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalidArgument(`cannot read registry configuration ${file}: "${entry.host}" must start with http:// or https://`);
  }
  const path = url.pathname.replace(/(?<!\/)\/+$/, "");
  return `${url.origin}${entry.overridePath || path.endsWith("/v2") ? path : `${path}/v2`}`;
}

/** containerd's folder names: `host_port_` where a colon is no good in a file name, `host:port`, and `_default` for all others. */
async function findFolder(root: string, domain: string): Promise<string | undefined> {
  const port = /:(\d+)$/.exec(domain);
  const names = [...(port ? [`${domain.slice(0, port.index)}_${port[1]}_`] : []), domain, "_default"];
  for (const name of names) {
    const folder = join(root, name);
    try {
      await readdir(folder);
      return folder;
    } catch {
      // Not there: the next name may be.
    }
  }
  return undefined;
}

/** Docker's older layout: `*.crt` are authorities, `x.cert` and `x.key` a client's pair. */
async function tlsOfFolder(folder: string): Promise<RegistryTls> {
  const names = (await readdir(folder)).sort();
  const read = (name: string): Promise<string> => readConfigured(join(folder, name), folder);
  const authorities = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
  const clients = names
    .filter((name) => name.endsWith(".cert"))
    .map(async (name) => ({ certificate: await read(name), key: await read(`${name.slice(0, -".cert".length)}.key`) }));
  return { skipVerify: false, authorities, clients: await Promise.all(clients) };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw invalidArgument(`cannot read registry configuration ${file}`, { cause });
  }
}

async function readConfigured(file: string, source: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw invalidArgument(`cannot read ${file}, which ${source} names`, { cause });
  }
}
