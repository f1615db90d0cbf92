import type * as api from "@pouchcontainer/api";
import { conflict, EngineError, notImplemented } from "@pouchcontainer/errors";
import { hostname } from "node:os";
import { readFileSync } from "node:fs";
import type { Collection } from "../store/index.ts";
import type { ContainerNetworks, NetworkContainers, NetworkedContainer, NetworkSandbox } from "./container-networks.ts";
import { readHostResolvConf } from "./files/host-dns.ts";
import { sandboxFiles, writeSandboxFiles } from "./files/sandbox-files.ts";
import type { NetworkNamespaces } from "./linux/network-namespaces.ts";
import { newId, type NetworkRegistry } from "./network-registry.ts";
import { hostModeContent, namespaceContent, type HostFiles } from "./sandbox-content.ts";
import type { SandboxRecord } from "./sandbox-record.ts";

export interface SandboxesDeps {
  registry: NetworkRegistry;
  sandboxes: Collection<SandboxRecord>;
  namespaces: NetworkNamespaces;
  containers: NetworkContainers;
  /** "" on a machine; a folder in tests. Below it are `etc/hosts` and `etc/resolv.conf`. */
  hostRoot: string;
}

/** The network side of containers: namespaces, endpoints and the three files. */
export class Sandboxes implements ContainerNetworks {
  readonly #deps: SandboxesDeps;

  constructor(deps: SandboxesDeps) {
    this.#deps = deps;
  }

  async validate(config: api.ContainerCreateConfig): Promise<void> {
    const mode = networkName(config.HostConfig.NetworkMode);
    if (mode === "host" || mode === "none" || mode.startsWith("container:")) return;
    this.#deps.registry.require(mode);
    await Promise.resolve();
  }

  async prepare(
    container: NetworkedContainer,
    options: { deferConnect: boolean; signal?: AbortSignal },
  ): Promise<NetworkSandbox> {
    options.signal?.throwIfAborted();
    const mode = networkName(container.networkMode);
    if (mode.startsWith("container:")) return this.#join(mode.slice("container:".length));
    const record: SandboxRecord = {
      containerId: container.id,
      containerName: container.name,
      sandboxId: newId(),
      mode: mode === "host" ? "host" : "namespace",
      endpoints: [],
    };
    if (mode === "host") {
      await this.#deps.sandboxes.put(container.id, record);
      return writeSandboxFiles(container.filesDirectory, hostModeContent(container, this.#hostFiles(), []));
    }
    if (mode !== "none") throw notImplemented(`network ${mode} cannot be used yet: only host and none can`);
    await this.#deps.sandboxes.put(container.id, record);
    try {
      const netnsPath = this.#deps.namespaces.create(container.id);
      const content = namespaceContent(container, this.#hostFiles(), [], { endpoints: [], links: [], embeddedResolver: false });
      return { netnsPath, ...(await writeSandboxFiles(container.filesDirectory, content)) };
    } catch (error) {
      await this.release(container.id);
      throw EngineError.from(error);
    }
  }

  async connect(container: NetworkedContainer): Promise<void> {
    await Promise.resolve(container);
  }

  async release(containerId: string): Promise<void> {
    this.#deps.namespaces.remove(containerId);
    if (this.#deps.sandboxes.get(containerId)) await this.#deps.sandboxes.delete(containerId);
  }

  async forget(containerId: string): Promise<void> {
    await this.release(containerId);
  }

  settings(container: NetworkedContainer): api.NetworkSettings {
    const sandbox = this.#deps.sandboxes.get(container.id);
    const mode = networkName(container.networkMode);
    const network = mode === "host" || mode === "none" ? this.#deps.registry.byName(mode) : undefined;
    const settings = emptySettings();
    if (sandbox) {
      settings.SandboxID = sandbox.sandboxId;
      settings.SandboxKey = sandbox.mode === "host" ? "/proc/1/ns/net" : this.#deps.namespaces.path(container.id);
    }
    if (network)
      settings.Networks = { [network.name]: { ...emptyEndpoint(), ...container.endpoints[network.name], NetworkID: network.id } };
    return settings;
  }

  async restore(running: NetworkedContainer[]): Promise<void> {
    const alive = new Set(running.map((container) => container.id));
    const known = new Set([
      ...this.#deps.namespaces.list(),
      ...[...this.#deps.sandboxes.values()].map((sandbox) => sandbox.containerId),
    ]);
    for (const id of known) if (!alive.has(id)) await this.release(id);
  }

  #join(ref: string): NetworkSandbox {
    const { container, running } = this.#deps.containers.find(ref);
    if (!running) throw conflict(`cannot join network of a non running container: ${container.id}`);
    const files = sandboxFiles(container.filesDirectory);
    if (networkName(container.networkMode) === "host") return files;
    return { netnsPath: this.#deps.namespaces.path(container.id), ...files };
  }

  #hostFiles(): HostFiles {
    const root = this.#deps.hostRoot;
    let hosts = "";
    try {
      hosts = readFileSync(`${root}/etc/hosts`, "utf8");
    } catch {
      // A host without the file: containers get the loopback names.
    }
    return { hosts, resolvConf: readHostResolvConf(root), hostname: hostname() };
  }
}

/** `default` and an empty mode mean the default bridge. */
export function networkName(mode: string | undefined): string {
  return mode === undefined || mode === "" || mode === "default" ? "bridge" : mode;
}

export function emptyEndpoint(): api.EndpointSettings {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: "",
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: "",
    EndpointID: "",
    Gateway: "",
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

export function emptySettings(): api.NetworkSettings {
  return {
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: {},
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: {},
  };
}
