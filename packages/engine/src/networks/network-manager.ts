import type * as api from "@pouchcontainer/api";
import { conflict, forbidden, notImplemented } from "@pouchcontainer/errors";
import type { NetworkContainers, NetworkEvents } from "./container-networks.ts";
import { inspectNetwork, isPredefined, type NetworkRecord } from "./network-record.ts";
import type { NetworkRegistry } from "./network-registry.ts";

type Filters = Record<string, string[]>;

export interface NetworkManagerDeps {
  registry: NetworkRegistry;
  containers: NetworkContainers;
  events: NetworkEvents;
}

/** The networks API: what `docker network …` talks to. */
export class NetworkManager {
  readonly #deps: NetworkManagerDeps;

  constructor(deps: NetworkManagerDeps) {
    this.#deps = deps;
  }

  async create(config: api.NetworkCreateConfig): Promise<api.NetworkCreateResponse> {
    if (isPredefined(config.Name)) throw forbidden(`operation is not permitted on predefined ${config.Name} network `);
    if (this.#deps.registry.byName(config.Name)) throw conflict(`network with name ${config.Name} already exists`);
    throw notImplemented(`networks of driver ${config.Driver ?? "bridge"} cannot be created yet`);
  }

  async list(filters: Filters): Promise<api.NetworkInspect[]> {
    const names = filters["name"] ?? [];
    return this.#deps.registry
      .all()
      .filter((record) => names.length === 0 || names.some((name) => record.name.includes(name)))
      .map((record) => inspectNetwork(record, {}));
  }

  async inspect(ref: string, options: { verbose: boolean; scope?: string }): Promise<api.NetworkInspect> {
    const record: NetworkRecord = this.#deps.registry.require(ref);
    return options.verbose ? { ...inspectNetwork(record, {}), Services: {} } : inspectNetwork(record, {});
  }

  async connect(ref: string, request: api.NetworkConnectRequest): Promise<void> {
    const record = this.#deps.registry.require(ref);
    throw notImplemented(`containers cannot be connected to ${record.name} yet (${request.Container})`);
  }

  async disconnect(ref: string, request: api.NetworkDisconnectRequest): Promise<void> {
    const record = this.#deps.registry.require(ref);
    throw notImplemented(`containers cannot be disconnected from ${record.name} yet (${request.Container})`);
  }

  async remove(ref: string): Promise<void> {
    const record = this.#deps.registry.require(ref);
    if (isPredefined(record.name)) throw forbidden(`${record.name} is a pre-defined network and cannot be removed`);
    await this.#deps.registry.delete(record.id);
  }

  async prune(filters: Filters): Promise<api.NetworkPruneResponse> {
    throw notImplemented(`networks cannot be pruned yet (${Object.keys(filters).join(", ")})`);
  }
}
