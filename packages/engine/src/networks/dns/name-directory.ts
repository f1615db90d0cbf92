import { addressToNumber, familyOf } from "../ipam/cidr.ts";
import type { EndpointRecord } from "../sandbox-record.ts";

interface Names {
  /** Lower-case name to the endpoints that carry it. */
  byName: Map<string, Set<EndpointRecord>>;
  byAddress: Map<string, EndpointRecord>;
}

/** Who answers to which name, per network. Kept up to date by whoever makes and removes endpoints. */
export class NameDirectory {
  readonly #networks = new Map<string, Names>();

  add(endpoint: EndpointRecord): void {
    const names = this.#namesOf(endpoint.networkId);
    for (const name of endpoint.dnsNames) {
      const key = name.toLowerCase();
      const carriers = names.byName.get(key);
      if (carriers) carriers.add(endpoint);
      else names.byName.set(key, new Set([endpoint]));
    }
    for (const address of addressesOf(endpoint)) names.byAddress.set(addressKey(address), endpoint);
  }

  remove(endpoint: EndpointRecord): void {
    const names = this.#networks.get(endpoint.networkId);
    if (!names) return;
    for (const name of endpoint.dnsNames) {
      const carriers = names.byName.get(name.toLowerCase());
      carriers?.delete(endpoint);
      if (carriers?.size === 0) names.byName.delete(name.toLowerCase());
    }
    for (const address of addressesOf(endpoint)) {
      if (names.byAddress.get(addressKey(address)) === endpoint) names.byAddress.delete(addressKey(address));
    }
    if (names.byName.size === 0 && names.byAddress.size === 0) this.#networks.delete(endpoint.networkId);
  }

  /**
   * Addresses of a name as the container behind `own` sees it: its links first, then the names of its networks, plain or
   * followed by the network's name. Undefined when nobody carries the name.
   */
  lookup(own: EndpointRecord[], name: string, family: 4 | 6): string[] | undefined {
    const asked = name.toLowerCase();
    for (const endpoint of own) {
      const carriers = this.#carriers(endpoint, asked) ?? this.#carriers(endpoint, withoutSuffix(asked, endpoint.networkName));
      if (carriers) {
        return [...carriers].flatMap((carrier) => {
          const address = family === 4 ? carrier.ipv4 : carrier.ipv6;
          return address ? [address.address] : [];
        });
      }
    }
    return undefined;
  }

  /** The name of an address in one of the container's networks: `web.front`. */
  reverse(own: EndpointRecord[], address: string): string | undefined {
    for (const endpoint of own) {
      const carrier = this.#networks.get(endpoint.networkId)?.byAddress.get(addressKey(address));
      const name = carrier?.dnsNames[0];
      if (name !== undefined) return `${name}.${endpoint.networkName}`;
    }
    return undefined;
  }

  #carriers(endpoint: EndpointRecord, name: string | undefined): Set<EndpointRecord> | undefined {
    if (name === undefined) return undefined;
    const names = this.#networks.get(endpoint.networkId)?.byName;
    const target = linkTarget(endpoint, name);
    return (target === undefined ? undefined : names?.get(target)) ?? names?.get(name);
  }

  #namesOf(networkId: string): Names {
    let names = this.#networks.get(networkId);
    if (!names) this.#networks.set(networkId, (names = { byName: new Map(), byAddress: new Map() }));
    return names;
  }
}

/** `db:database` lets one container alone call `db` `database`. */
function linkTarget(endpoint: EndpointRecord, name: string): string | undefined {
  for (const link of endpoint.links) {
    const cut = link.lastIndexOf(":");
    const [target, alias] = cut < 0 ? [link, link] : [link.slice(0, cut), link.slice(cut + 1)];
    if (alias.toLowerCase() === name) return target.replace(/^\//, "").toLowerCase();
  }
  return undefined;
}

function withoutSuffix(name: string, network: string): string | undefined {
  const suffix = `.${network.toLowerCase()}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}

function addressesOf(endpoint: EndpointRecord): string[] {
  return [endpoint.ipv4, endpoint.ipv6].flatMap((held) => (held ? [held.address] : []));
}

function addressKey(address: string): string {
  return `${familyOf(address)}:${addressToNumber(address)}`;
}
