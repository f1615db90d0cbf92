import { isKind, notFound } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import type { NetworkedContainer } from "./container-networks.ts";
import { interfacePrefix } from "./drivers/bridge-options.ts";
import { macFor } from "./drivers/endpoint-link.ts";
import type { EndpointPlan } from "./endpoint-plan.ts";
import type { AddressManager } from "./ipam/address-manager.ts";
import { linkOpenings, type FindNeighbour } from "./legacy-links.ts";
import { isPredefined } from "./network-record.ts";
import type { NetworkReadiness } from "./network-readiness.ts";
import { newId, type NetworkRegistry } from "./network-registry.ts";
import type { EndpointAddress, EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

export interface EndpointAllocatorDeps {
  registry: NetworkRegistry;
  readiness: NetworkReadiness;
  addresses: AddressManager;
  neighbour: FindNeighbour;
  warn: (message: string) => void;
}

/** Chooses what an endpoint will be, and takes its addresses back when nothing answers for them any more. */
export class EndpointAllocator {
  readonly #deps: EndpointAllocatorDeps;
  /** Ends of released endpoints that are still being taken away. None of these promises rejects. */
  readonly #vanishing = new Set<Promise<void>>();

  constructor(deps: EndpointAllocatorDeps) {
    this.#deps = deps;
  }

  /** Endpoints for all plans, added to the record; all or none. An address that is just being left is waited for. */
  async allocate(container: NetworkedContainer, record: SandboxRecord, plans: EndpointPlan[]): Promise<EndpointRecord[]> {
    try {
      return this.#allocateAll(container, record, plans);
    } catch (error) {
      if (this.#vanishing.size === 0 || !isKind(error, "forbidden", "resourceExhausted")) throw error;
      await this.settled();
      return this.#allocateAll(container, record, plans);
    }
  }

  /** Takes the addresses back at once: the endpoint's interface is gone, or never was there. */
  give(endpoint: EndpointRecord): void {
    this.#deps.addresses.give(endpoint.networkId, [endpoint.ipv4, endpoint.ipv6]);
  }

  /** Takes the addresses back as soon as the endpoint's interface is gone. */
  giveWhenVanished(endpoint: EndpointRecord): void {
    const { registry, readiness, warn } = this.#deps;
    const network = registry.byId(endpoint.networkId);
    const gone = Promise.resolve()
      .then(() => (network ? readiness.driver(network).vanished(endpoint) : undefined))
      .catch((error: unknown) => warn(`the end of a container's link stays: ${String(error)}`))
      .then(() => this.give(endpoint))
      .finally(() => this.#vanishing.delete(gone));
    this.#vanishing.add(gone);
  }

  /** Resolves when the addresses of all released containers can be given again. */
  async settled(): Promise<void> {
    await Promise.all(this.#vanishing);
  }

  /** Nothing here waits, so nobody else chooses in between. */
  #allocateAll(container: NetworkedContainer, record: SandboxRecord, plans: EndpointPlan[]): EndpointRecord[] {
    const before = record.endpoints.length;
    try {
      for (const plan of plans) record.endpoints.push(this.#allocateOne(container, record, plan));
      return record.endpoints.slice(before);
    } catch (error) {
      for (const endpoint of record.endpoints.splice(before)) this.give(endpoint);
      throw error;
    }
  }

  #allocateOne(container: NetworkedContainer, record: SandboxRecord, plan: EndpointPlan): EndpointRecord {
    const { addresses, readiness, registry } = this.#deps;
    const { network, endpoint } = plan;
    if (!registry.byId(network.id)) throw notFound(`network ${network.name} not found`);
    readiness.refuseRemoved(network);
    const driver = readiness.driver(network);
    const managed = driver.managesAddresses(network);
    const taken: { ipv4?: EndpointAddress; ipv6?: EndpointAddress } = {};
    try {
      if (managed && network.enableIPv4) taken.ipv4 = addresses.take(network, 4, endpoint.ipv4Address);
      if (managed && network.enableIPv6) taken.ipv6 = addresses.take(network, 6, endpoint.ipv6Address);
      const named = driver.resolvesNames && !isPredefined(network.name);
      const made = describe(plan, { ...taken }, freeInterfaceName(record, interfacePrefix(network)));
      if (named) made.dnsNames = dnsNames(container, endpoint.aliases);
      driver.prepareEndpoint(network, made);
      if (network.name === "bridge") made.openings = linkOpenings(container, made, this.#deps.neighbour);
      return made;
    } catch (error) {
      addresses.give(network.id, [taken.ipv4, taken.ipv6]);
      throw error;
    }
  }
}

function describe(
  { network, endpoint, links }: EndpointPlan,
  addresses: { ipv4?: EndpointAddress; ipv6?: EndpointAddress },
  interfaceName: string,
): EndpointRecord {
  return {
    id: newId(),
    networkId: network.id,
    networkName: network.name,
    driver: network.driver,
    interfaceName,
    macAddress: endpoint.macAddress ?? macFor(addresses.ipv4?.address, () => randomBytes(4)),
    ...addresses,
    internal: network.internal,
    ports: [],
    openings: [],
    priority: endpoint.priority,
    disableResolver: endpoint.disableResolver,
    genericParams: endpoint.genericParams,
    driverOptions: endpoint.driverOptions,
    dnsNames: [],
    aliases: endpoint.aliases,
    links,
    dns: endpoint.dns,
    dnsSearch: endpoint.dnsSearch,
    dnsOptions: endpoint.dnsOptions,
  };
}

function freeInterfaceName(record: SandboxRecord, prefix: string): string {
  for (let index = 0; ; index++) {
    const name = `${prefix}${index}`;
    if (!record.endpoints.some((endpoint) => endpoint.interfaceName === name)) return name;
  }
}

function dnsNames(container: NetworkedContainer, aliases: string[]): string[] {
  return [...new Set([container.name, ...aliases, container.id.slice(0, 12), container.hostname])].filter((name) => name !== "");
}
