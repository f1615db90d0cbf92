import { conflict } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { DockerForwarding } from "../firewall/docker-forwarding.ts";
import type { Firewall } from "../firewall/firewall.ts";
import type { FirewallNetwork } from "../firewall/ruleset.ts";
import { familyOf, parseCidr } from "../ipam/cidr.ts";
import { batchWord, type IpShell } from "../linux/ip-shell.ts";
import type { LinkChange } from "../linux/link-changes.ts";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";
import { writeSysctl } from "../linux/sysctl.ts";
import type { NetworkRecord } from "../network-record.ts";
import type { EndpointRecord } from "../sandbox-record.ts";
import type { Bandwidth } from "./bandwidth.ts";
import { bandwidthOf } from "./bandwidth.ts";
import { readBridgeOptions } from "./bridge-options.ts";
import { addressChanges } from "./endpoint-link.ts";
import type { EndpointPlace, NetworkDriver } from "./network-driver.ts";

export interface BridgeDriverDeps {
  ip: IpShell;
  /** An ip of its own for links that go, so that links that come need not wait for them. */
  reaper: IpShell;
  firewall: Firewall;
  dockerForwarding: DockerForwarding;
  namespaces: NetworkNamespaces;
  bandwidth: Bandwidth;
  /** `br-`; the first twelve digits of the network's id follow. */
  bridgePrefix: string;
  /** Of the host's ends of endpoints. */
  vethPrefix: string;
  /** Whether to turn routing between interfaces on. */
  ipForward: boolean;
}

/** Networks on a Linux bridge of the host: iproute2 makes the links, our nftables table says what may pass. */
export class BridgeDriver implements NetworkDriver {
  readonly name = "bridge";
  readonly resolvesNames = true;
  readonly publishesPorts = true;
  readonly #deps: BridgeDriverDeps;

  constructor(deps: BridgeDriverDeps) {
    this.#deps = deps;
  }

  managesAddresses(): boolean {
    return true;
  }

  validate(network: NetworkRecord): void {
    this.#options(network);
  }

  /** Makes the bridge, and puts address and rules in place on one that is there. */
  async createNetwork(network: NetworkRecord): Promise<void> {
    const { bridge } = this.#options(network);
    const existed = existsSync(`/sys/class/net/${bridge}`);
    if (existed && !existsSync(`/sys/class/net/${bridge}/bridge`))
      throw conflict(`cannot create network ${network.id} (${bridge}): there is an interface of that name that is no bridge`);
    try {
      await this.#makeBridge(network, existed);
      await Promise.all([
        this.#deps.firewall.setNetwork(this.firewallNetwork(network)),
        this.#deps.dockerForwarding.allow(bridge),
      ]);
    } catch (error) {
      if (!existed) await this.#deps.ip.run([`link delete dev ${bridge}`], { tolerate: /./ }).catch(() => undefined);
      throw error;
    }
  }

  async removeNetwork(network: NetworkRecord): Promise<void> {
    const { bridge } = this.#options(network);
    // A bridge the operator made and lent us stays.
    if (aliasOf(bridge) === mark(network))
      await this.#deps.ip.run([`link delete dev ${bridge}`], { tolerate: /Cannot find device/ });
    await Promise.all([this.#deps.firewall.removeNetwork(bridge), this.#deps.dockerForwarding.withdraw(bridge)]);
  }

  prepareEndpoint(_network: NetworkRecord, endpoint: EndpointRecord): void {
    endpoint.hostInterface = `${this.#deps.vethPrefix}${randomBytes(4).toString("hex").slice(0, 7)}`;
  }

  async attach(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<{ inside: LinkChange[] }> {
    const { bridge, interContainer, mtu } = this.#options(network);
    const host = endpoint.hostInterface ?? "";
    const size = mtu === undefined ? "" : ` mtu ${mtu}`;
    const commands = [
      `link add name ${host}${size} master ${bridge} type veth peer name ${endpoint.interfaceName}${size} address ${endpoint.macAddress} netns ${batchWord(place.netnsPath)}`,
      // Hairpin: with br_netfilter a container's way to its own published port leads back through its own port of the bridge.
      `link set dev ${host} type bridge_slave hairpin on${interContainer ? "" : " isolated on"}`,
      `link set dev ${host} up`,
    ];
    await this.#deps.ip.run(commands);
    this.#deps.namespaces.within(place.netnsPath, () => {
      const device = endpoint.interfaceName;
      writeSysctl(`net/ipv6/conf/${device}/disable_ipv6`, endpoint.ipv6 ? "0" : "1");
      // Looking for duplicates of addresses nobody else can have would take a second.
      writeSysctl(`net/ipv6/conf/${device}/accept_dad`, "0");
      // Tells neighbours that remember another hardware address for ours.
      writeSysctl(`net/ipv4/conf/${device}/arp_notify`, "1");
    });
    const limit = bandwidthOf({ ...endpoint.driverOptions, ...endpoint.genericParams });
    if (limit) await this.#deps.bandwidth.apply(limit, { host, inside: endpoint.interfaceName, netnsPath: place.netnsPath });
    return { inside: addressChanges(endpoint) };
  }

  async detach(_network: NetworkRecord, endpoint: EndpointRecord): Promise<void> {
    await this.#deps.ip.run([`link delete dev ${endpoint.hostInterface}`], { tolerate: /Cannot find device/ });
  }

  /** Both ends of a veth go with the namespace. */
  async forget(): Promise<void> {
    await Promise.resolve();
  }

  /**
   * The kernel takes a namespace apart when it finds the time, and until then the old container's end answers on the bridge,
   * with the hardware address its successor will have.
   */
  async vanished(endpoint: EndpointRecord): Promise<void> {
    await this.#deps.reaper.run([`link delete dev ${endpoint.hostInterface}`], { tolerate: /Cannot find device/ });
  }

  /** What the rules say about a network. */
  firewallNetwork(network: NetworkRecord): FirewallNetwork {
    const { bridge, interContainer, masquerade, snatAddress } = this.#options(network);
    return {
      bridge,
      subnets: network.ipam.config.flatMap((pool) => (pool.Subnet === undefined ? [] : [parseCidr(pool.Subnet).text])),
      internal: network.internal,
      interContainer,
      masquerade,
      ...(snatAddress === undefined ? {} : { snatAddress }),
    };
  }

  async #makeBridge(network: NetworkRecord, existed: boolean): Promise<void> {
    const { bridge, interContainer, mtu } = this.#options(network);
    const { ip } = this.#deps;
    if (!existed) {
      const mac = `02:42:${randomBytes(4)
        .toString("hex")
        .replace(/(..)(?!$)/g, "$1:")}`;
      await ip.run([
        `link add name ${bridge} address ${mac}${mtu === undefined ? "" : ` mtu ${mtu}`} type bridge`,
        `link set dev ${bridge} alias ${mark(network)}`,
      ]);
    }
    writeSysctl(`net/ipv6/conf/${bridge}/disable_ipv6`, network.enableIPv6 ? "0" : "1");
    writeSysctl(`net/ipv6/conf/${bridge}/accept_ra`, "0");
    writeSysctl(`net/ipv6/conf/${bridge}/accept_dad`, "0");
    // Published ports on the host's loopback; the firewall keeps containers from using it the other way round.
    writeSysctl(`net/ipv4/conf/${bridge}/route_localnet`, "1");
    if (!interContainer) {
      // Ports of the bridge are isolated; what is allowed all the same goes through the host's rules (RFC 3069).
      writeSysctl(`net/ipv4/conf/${bridge}/proxy_arp_pvlan`, "1");
      writeSysctl(`net/ipv4/conf/${bridge}/send_redirects`, "0");
      // The kernel would think about such an answer for up to 0.8 s.
      writeSysctl(`net/ipv4/neigh/${bridge}/proxy_delay`, "0");
    }
    if (this.#deps.ipForward) enableForwarding(network);
    const addresses = network.ipam.config.flatMap((pool) => {
      if (pool.Subnet === undefined || pool.Gateway === undefined) return [];
      const nodad = familyOf(pool.Gateway) === 6 ? " nodad" : "";
      return [`address replace ${pool.Gateway}/${parseCidr(pool.Subnet).prefixLength} dev ${bridge}${nodad}`];
    });
    await ip.run([...addresses, `link set dev ${bridge} up`]);
  }

  #options(network: NetworkRecord) {
    return readBridgeOptions(network, this.#deps.bridgePrefix);
  }
}

function enableForwarding(network: NetworkRecord): void {
  writeSysctl("net/ipv4/ip_forward", "1");
  if (network.enableIPv6) writeSysctl("net/ipv6/conf/all/forwarding", "1");
}

/** Written on bridges we made, so that no other is ever deleted. */
function mark(network: NetworkRecord): string {
  return `pouch-network-${network.id.slice(0, 12)}`;
}

function aliasOf(bridge: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${bridge}/ifalias`, "utf8").trim();
  } catch {
    return undefined;
  }
}
