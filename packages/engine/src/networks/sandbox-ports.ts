import type { Firewall } from "./firewall/firewall.ts";
import type { FirewallPort } from "./firewall/ruleset.ts";
import type { NetworkedContainer } from "./container-networks.ts";
import { bridgeOption } from "./drivers/bridge-options.ts";
import { canonicalAddress, familyOf } from "./ipam/cidr.ts";
import type { NetworkRecord } from "./network-record.ts";
import type { HeldPort, PortAllocator } from "./ports/port-allocator.ts";
import { serveHostPort, type PortProxy } from "./ports/port-proxy.ts";
import { portRequests } from "./ports/port-specs.ts";
import type { RelayBudget } from "./ports/relay-budget.ts";
import type { EndpointRecord, PublishedPort } from "./sandbox-record.ts";

export interface SandboxPortsDeps {
  allocator: PortAllocator;
  firewall: Firewall;
  userlandProxy: boolean;
  relays: RelayBudget;
  warn: (message: string) => void;
  /** Address for ports published without one; "" for every address of the host. */
  defaultHostAddress: string;
}

/** The published ports of one container: held on the host, led to one of its endpoints. */
export class SandboxPorts {
  readonly #deps: SandboxPortsDeps;
  #held: HeldPort[] = [];
  #proxies: PortProxy[] = [];

  constructor(deps: SandboxPortsDeps) {
    this.#deps = deps;
  }

  /** Takes the host ports a container asks for, all or none, and notes them in the endpoint. Nothing leads to them yet. */
  take(container: NetworkedContainer, network: NetworkRecord, endpoint: EndpointRecord): void {
    const { allocator, defaultHostAddress } = this.#deps;
    const binding = network.options[bridgeOption.hostBinding];
    const taken: HeldPort[] = [];
    try {
      for (const request of portRequests(container.hostConfig, container.exposedPorts)) {
        const host = request.hostAddress || (binding === "0.0.0.0" ? "" : binding) || defaultHostAddress;
        taken.push(...allocator.take(request, host === "" ? this.#anyAddresses(endpoint) : [canonicalAddress(host)]));
      }
    } catch (error) {
      for (const port of taken) allocator.give(port);
      throw error;
    }
    this.#held.push(...taken);
    endpoint.ports = this.#held.map(published);
  }

  /** After a daemon restart: the ports a running container has by its record. */
  retake(ports: PublishedPort[]): void {
    this.#held.push(...ports.map((port) => this.#deps.allocator.retake(port)));
  }

  /** Leads the held ports to the endpoint. */
  async open(endpoint: EndpointRecord): Promise<void> {
    await this.#deps.firewall.open(firewallPorts(endpoint), endpoint.openings);
    this.serve(endpoint);
  }

  /** Starts what answers on the host itself. */
  serve(endpoint: EndpointRecord): void {
    const { userlandProxy, relays, warn } = this.#deps;
    for (const port of this.#held) {
      const address = this.#relayTarget(port, endpoint);
      if (address === undefined) continue;
      const proxy = serveHostPort(port, { address, port: port.containerPort }, { relay: userlandProxy, budget: relays, warn });
      if (proxy) this.#proxies.push(proxy);
    }
  }

  async close(endpoint: EndpointRecord): Promise<void> {
    for (const proxy of this.#proxies.splice(0)) proxy.close();
    await this.#deps.firewall.close(firewallPorts(endpoint), endpoint.openings);
  }

  /** Gives the host ports back; the endpoint's record may go after that. */
  give(): void {
    for (const proxy of this.#proxies.splice(0)) proxy.close();
    for (const port of this.#held.splice(0)) this.#deps.allocator.give(port);
  }

  #anyAddresses(endpoint: EndpointRecord): string[] {
    // IPv6 clients reach an IPv4-only container through the relay, as with docker-proxy.
    const v6 = endpoint.ipv6 !== undefined || this.#deps.userlandProxy;
    return v6 ? ["0.0.0.0", "::"] : ["0.0.0.0"];
  }

  #relayTarget(port: HeldPort, endpoint: EndpointRecord): string | undefined {
    const same = familyOf(port.hostAddress) === 4 ? endpoint.ipv4 : endpoint.ipv6;
    return (same ?? endpoint.ipv4 ?? endpoint.ipv6)?.address;
  }
}

/** What the rules translate: ports whose host address is of a family the container has. */
export function firewallPorts(endpoint: EndpointRecord): FirewallPort[] {
  return endpoint.ports.flatMap((port) => {
    const own = familyOf(port.hostAddress) === 4 ? endpoint.ipv4 : endpoint.ipv6;
    return own ? [{ ...port, containerAddress: own.address }] : [];
  });
}

function published({ protocol, containerPort, hostAddress, hostPort }: HeldPort): PublishedPort {
  return { protocol, containerPort, hostAddress, hostPort };
}
