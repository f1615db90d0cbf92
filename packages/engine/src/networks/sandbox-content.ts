import { isKind } from "@pouchcontainer/errors";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { readLimited } from "../read-limited.ts";
import type { NetworkedContainer } from "./container-networks.ts";
import { extraHosts, ownNames, renderHosts, type HostsEntry } from "./files/hosts-file.ts";
import { readHostResolvConf } from "./files/host-dns.ts";
import {
  behindResolver,
  reachableServers,
  renderResolvConf,
  withSettings,
  saysDots,
  type DnsSettings,
  type ResolvConf,
} from "./files/resolv-conf.ts";
import { sandboxFiles, writeSandboxFiles, type SandboxFiles } from "./files/sandbox-files.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

export interface SandboxContentDeps {
  /** "" on a machine; a folder in tests. Below it are `etc/hosts` and `etc/resolv.conf`. */
  hostRoot: string;
  /** The daemon's own `--dns`, `--dns-search`, `--dns-opt`: for containers that ask for nothing. */
  dns: DnsSettings;
  /** What `host-gateway` stands for. */
  hostGateway: () => string[];
  /** Neighbours by `--link`, for containers of the default bridge. */
  links: (container: NetworkedContainer) => HostsEntry[];
  warn: (message: string) => void;
}

/** The container's processes can write them: what is bigger is not looked through line by line. */
const maxFileBytes = 256 << 10;

/** Text of the three files at one moment. */
export interface Snapshot {
  hosts: string;
  resolvConf: string;
  hostname: string;
}

/** What stands in a container's hosts, resolv.conf and hostname. */
export class SandboxContent {
  readonly #deps: SandboxContentDeps;

  constructor(deps: SandboxContentDeps) {
    this.#deps = deps;
  }

  /** Names are served to containers of a network that has names, unless a plugin said no. */
  hasResolver(record: SandboxRecord): boolean {
    return (
      record.endpoints.some((endpoint) => endpoint.dnsNames.length > 0) &&
      !record.endpoints.some((endpoint) => endpoint.disableResolver)
    );
  }

  /** The servers behind a container's resolver. */
  upstream(
    container: NetworkedContainer,
    record: SandboxRecord,
  ): { servers: string[]; fromNamespace: boolean; dottedOnly: boolean } {
    const settings = this.#settings(container, record.endpoints);
    const conf = withSettings(readHostResolvConf(this.#deps.hostRoot), settings);
    // Servers named for this very container may be inside its networks; the host's and the daemon's are the host's to reach.
    const named = (container.hostConfig.Dns ?? []).length > 0 || record.endpoints.some((endpoint) => endpoint.dns.length > 0);
    return { servers: conf.nameservers, fromNamespace: named, dottedOnly: saysDots(conf) };
  }

  snapshot(container: NetworkedContainer, record: SandboxRecord): Snapshot {
    const { endpoints } = record;
    const host = readHostResolvConf(this.#deps.hostRoot);
    const settings = this.#settings(container, endpoints);
    const conf = withSettings(host, settings);
    const onDefaultBridge = endpoints.some((endpoint) => endpoint.networkName === "bridge");
    const links = onDefaultBridge ? this.#deps.links(container) : [];
    const extra = extraHosts(container.hostConfig.ExtraHosts ?? [], this.#deps.hostGateway());
    return {
      hosts: renderHosts([...extra, ...links, ...ownEntries(container, endpoints)]),
      resolvConf: renderResolvConf(this.hasResolver(record) ? behindResolver(conf) : reachable(conf, settings, endpoints)),
      hostname: `${container.hostname}\n`,
    };
  }

  write(container: NetworkedContainer, record: SandboxRecord): Promise<SandboxFiles> {
    return writeSandboxFiles(container.filesDirectory, this.snapshot(container, record));
  }

  /** The host's own files, with what was asked for in them. */
  writeHostMode(container: NetworkedContainer): Promise<SandboxFiles> {
    const root = this.#deps.hostRoot;
    const host = readHostResolvConf(root);
    const settings = this.#settings(container, []);
    const extra = extraHosts(container.hostConfig.ExtraHosts ?? [], this.#deps.hostGateway());
    const hosts = readIfThere(`${root}/etc/hosts`);
    const asked = settings.nameservers.length + settings.search.length + settings.options.length > 0;
    return writeSandboxFiles(container.filesDirectory, {
      hosts: hosts === "" ? renderHosts(extra) : `${hosts}${hosts.endsWith("\n") ? "" : "\n"}${extra.map(line).join("")}`,
      resolvConf: asked ? renderResolvConf(withSettings(host, settings)) : host.text,
      hostname: `${container.hostname}\n`,
    });
  }

  /**
   * Brings the files of a running container up to date after a connect or disconnect. A resolv.conf that somebody in the
   * container changed stays as it is; in a changed hosts only the container's own lines come and go, and one blown up stays as it is.
   */
  async update(container: NetworkedContainer, before: Snapshot, record: SandboxRecord): Promise<void> {
    const files = sandboxFiles(container.filesDirectory);
    const after = this.snapshot(container, record);
    const hosts = readWritable(files.hostsPath);
    const resolvConf = readWritable(files.resolvConfPath);
    if (hosts === undefined)
      this.#deps.warn(
        `${container.name}: its /etc/hosts has grown over ${maxFileBytes} bytes and stays as it is: addresses in it may be old`,
      );
    else await writeFile(files.hostsPath, mergeHosts(hosts, asBytes(before.hosts), asBytes(after.hosts)), "latin1");
    if (resolvConf === asBytes(before.resolvConf)) await writeFile(files.resolvConfPath, after.resolvConf);
  }

  /** Endpoints' settings first: a plugin's word wins over the command line, that over the daemon's own. */
  #settings(container: NetworkedContainer, endpoints: EndpointRecord[]): DnsSettings {
    const { dns } = this.#deps;
    const first = (pick: (endpoint: EndpointRecord) => string[], own: readonly string[] | undefined, daemon: readonly string[]) =>
      [...endpoints.map(pick), own ?? []].find((values) => values.length > 0) ?? daemon;
    const { Dns, DnsSearch, DnsOptions } = container.hostConfig;
    return {
      nameservers: first((endpoint) => endpoint.dns, Dns, dns.nameservers),
      search: first((endpoint) => endpoint.dnsSearch, DnsSearch, dns.search),
      options: first((endpoint) => endpoint.dnsOptions, DnsOptions, dns.options),
    };
  }
}

function ownEntries(container: NetworkedContainer, endpoints: EndpointRecord[]): HostsEntry[] {
  const names = ownNames(container.hostname, container.domainname);
  return endpoints.flatMap((endpoint) =>
    [endpoint.ipv4, endpoint.ipv6].flatMap((held) => (held ? [{ address: held.address, names }] : [])),
  );
}

function reachable(conf: ResolvConf, settings: DnsSettings, endpoints: EndpointRecord[]): ResolvConf {
  // Servers somebody named are taken at their word; without any endpoint there is nothing to reach.
  if (settings.nameservers.length > 0 || endpoints.length === 0) return conf;
  return reachableServers(conf, { ipv6: endpoints.some((endpoint) => endpoint.ipv6) });
}

/** A file that the container can write, a character each byte; undefined where it is blown up. */
function readWritable(path: string): string | undefined {
  try {
    return readLimited(path, { mostBytes: maxFileBytes, encoding: "latin1" });
  } catch (error) {
    if (isKind(error, "invalidArgument")) return undefined;
    throw error;
  }
}

/** Text as bytes are compared: a character each. */
function asBytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function mergeHosts(current: string, before: string, after: string): string {
  if (current === before) return after;
  const old = new Set(before.split("\n"));
  const fresh = after.split("\n");
  const kept = current.split("\n").filter((text) => !old.has(text) || fresh.includes(text));
  const added = fresh.filter((text) => text !== "" && !old.has(text));
  return `${[...kept.filter((text, index) => text !== "" || index < kept.length - 1), ...added].join("\n")}\n`;
}

function line(entry: HostsEntry): string {
  return `${entry.address}\t${entry.names.join(" ")}\n`;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // A host without the file: the container gets the loopback names.
  }
}
