import { forbidden, internal } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import type { DockerForwarding } from "../firewall/docker-forwarding.ts";
import type { Firewall } from "../firewall/firewall.ts";
import type { FirewallNetwork } from "../firewall/ruleset.ts";
import { canonicalAddress, contains, familyOf, parseCidr } from "../ipam/cidr.ts";
import { batchWord, type IpShell } from "../linux/ip-shell.ts";
import type { LinkChange } from "../linux/link-changes.ts";
import type { Link, Links } from "../linux/links.ts";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";
import { writeSysctl } from "../linux/sysctl.ts";
import type { NetworkRecord } from "../network-record.ts";
import type { EndpointRecord } from "../sandbox-record.ts";
import { settleAll } from "../../settle-all.ts";
import type { Bandwidth } from "./bandwidth.ts";
import { bandwidthOf } from "./bandwidth.ts";
import { bridgeOption, readBridgeOptions } from "./bridge-options.ts";
import { addressChanges } from "./endpoint-link.ts";
import type { EndpointPlace, NetworkDriver } from "./network-driver.ts";

export interface BridgeDriverDeps {
  ip: IpShell;
  /** An ip of its own for links that go, so that links that come need not wait for them. */
  reaper: IpShell;
  links: Links;
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
  /** Addresses that namespaces there are have as their way out of a network. */
  gatewaysInUse: (networkId: string) => ReadonlySet<string>;
  warn: (message: string) => void;
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

  validate(network: NetworkRecord, others: NetworkRecord[]): void {
    const { bridge } = this.#options(network);
    const other = others.find((each) => each.driver === this.name && !each.configOnly && this.#options(each).bridge === bridge);
    if (other)
      throw forbidden(
        `cannot create network ${network.id} (${bridge}): conflicts with network ${other.id} (${bridge}): networks have same bridge name`,
      );
    const alias = this.#deps.links.find(bridge)?.alias;
    if (alias?.startsWith(markPrefix) && alias !== mark(network))
      throw forbidden(
        `cannot create network ${network.id} (${bridge}): the bridge belongs to another daemon's network ${alias.slice(markPrefix.length)}, with which it would go: name another, or take it away with "ip link delete ${bridge}" if that daemon will not come back`,
      );
  }

  /** Makes the bridge, and puts address and rules in place on one that is there. A failure takes back what was made here. */
  async createNetwork(network: NetworkRecord): Promise<void> {
    const { bridge } = this.#options(network);
    const { dockerForwarding, firewall, ip, links } = this.#deps;
    ip.forget();
    await using made = new AsyncDisposableStack();
    const before = links.find(bridge);
    if (before && before.kind !== "bridge") throw internal(`existing interface ${bridge} is not a bridge`);
    if (!before) await this.#addBridge(network, made);
    this.#applySettings(network, before !== undefined, made);
    await this.#raise(network, before, made);
    await settleAll([
      firewall.setNetwork(this.firewallNetwork(network)),
      dockerForwarding.allow(bridge).then((withdraw) => made.defer(withdraw)),
    ]);
    // All of it stays.
    made.move();
  }

  hasDevice(network: NetworkRecord): boolean {
    return this.#deps.links.find(this.#options(network).bridge) !== undefined;
  }

  /** A bridge the operator made and lent us stays: it has no mark of ours, and a name that was asked for. */
  async removeNetwork(network: NetworkRecord): Promise<void> {
    const { bridge, generatedName } = this.#options(network);
    const { ip, links } = this.#deps;
    ip.forget();
    for (const name of new Set([bridge, generatedName])) {
      const link = links.find(name);
      const isOurs = link?.kind === "bridge" && (link.alias === mark(network) || name === generatedName);
      if (isOurs) await ip.run([`link delete dev ${name}`], { tolerate: /Cannot find device/ });
    }
    await Promise.all([this.#deps.firewall.removeNetwork(bridge), this.#deps.dockerForwarding.withdraw(bridge)]);
  }

  prepareEndpoint(_network: NetworkRecord, endpoint: EndpointRecord): void {
    const { links, vethPrefix } = this.#deps;
    const name = () => `${vethPrefix}${randomBytes(4).toString("hex").slice(0, 7)}`;
    endpoint.hostInterface = name();
    // It is taken away with the endpoint, so it must be nobody else's.
    while (links.find(endpoint.hostInterface)) endpoint.hostInterface = name();
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

  isAttached(network: NetworkRecord, endpoint: EndpointRecord): boolean {
    const { links } = this.#deps;
    const bridge = links.find(this.#options(network).bridge);
    return bridge !== undefined && links.find(endpoint.hostInterface ?? "")?.master === bridge.index;
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

  async #addBridge(network: NetworkRecord, made: AsyncDisposableStack): Promise<void> {
    const { bridge, generatedName, mtu } = this.#options(network);
    const { ip, links } = this.#deps;
    const mac = `02:42:${randomBytes(4)
      .toString("hex")
      .replace(/(..)(?!$)/g, "$1:")}`;
    // It gets its name last: whatever moment a daemon is killed at, a bridge of that name is marked, or it is another's. The steps go
    // alone: one that fails because the name is taken has made nothing, and nothing may be written on what is another's.
    if (!links.find(generatedName))
      await ip.run([`link add name ${generatedName} address ${mac}${mtu === undefined ? "" : ` mtu ${mtu}`} type bridge`]);
    made.defer(() => this.#undo([`link delete dev ${this.#deps.links.find(generatedName) ? generatedName : bridge}`]));
    await ip.run([`link set dev ${generatedName} alias ${mark(network)}`]);
    if (bridge !== generatedName) await ip.run([`link set dev ${generatedName} name ${bridge}`]);
  }

  #applySettings(network: NetworkRecord, lent: boolean, made: AsyncDisposableStack): void {
    for (const [name, value] of this.#settings(network)) {
      const before = writeSysctl(name, value);
      if (lent && before !== undefined)
        made.defer(() => {
          writeSysctl(name, before);
        });
    }
    if (this.#deps.ipForward) enableForwarding(network);
  }

  #settings(network: NetworkRecord): [name: string, value: string][] {
    const { bridge, interContainer } = this.#options(network);
    return [
      [`net/ipv6/conf/${bridge}/disable_ipv6`, network.enableIPv6 ? "0" : "1"],
      [`net/ipv6/conf/${bridge}/accept_ra`, "0"],
      [`net/ipv6/conf/${bridge}/accept_dad`, "0"],
      // Published ports on the host's loopback; the firewall keeps containers from using it the other way round.
      [`net/ipv4/conf/${bridge}/route_localnet`, "1"],
      ...(interContainer ? [] : isolationSettings(bridge)),
    ];
  }

  async #raise(network: NetworkRecord, before: Link | undefined, made: AsyncDisposableStack): Promise<void> {
    const { bridge } = this.#options(network);
    const { ip, links } = this.#deps;
    const wanted = bridgeAddresses(network);
    if (before && isDefaultBridge(network) && before.alias === mark(network)) await this.#strip(network, before, wanted, made);
    const present = new Set(before && links.addresses(before));
    for (const address of wanted) {
      if (present.has(address)) continue;
      await ip.run([`address replace ${address} dev ${bridge}${familyOf(address) === 6 ? " nodad" : ""}`]);
      if (before) made.defer(() => this.#undo([`address delete ${address} dev ${bridge}`]));
    }
    if (before?.up) return;
    await ip.run([`link set dev ${bridge} up`]);
    if (before) made.defer(() => this.#undo([`link set dev ${bridge} down`]));
  }

  /**
   * Flags give the default bridge another subnet; the one of before would go on taking packets for it. One of the same subnet goes
   * before its successor comes: the kernel takes the later ones with the first.
   */
  async #strip(network: NetworkRecord, link: Link, wanted: string[], made: AsyncDisposableStack): Promise<void> {
    const { gatewaysInUse, ip, links } = this.#deps;
    const inUse = gatewaysInUse(network.id);
    const staying = new Set(wanted.map(addressOf));
    const former = links
      .addresses(link)
      .filter((held) => !wanted.includes(held) && !isLinkLocal(addressOf(held)))
      .filter((held) => staying.has(addressOf(held)) || !inUse.has(addressOf(held)));
    for (const address of former) {
      await ip.run([`address delete ${address} dev ${link.name}`], { tolerate: /Cannot assign requested address/ });
      made.defer(() => this.#undo([`address replace ${address} dev ${link.name}`]));
    }
  }

  async #undo(commands: string[]): Promise<void> {
    const { ip, warn } = this.#deps;
    await ip.run(commands).catch((error: unknown) => warn(`a network that failed could not be taken back: ${String(error)}`));
  }

  #options(network: NetworkRecord) {
    return readBridgeOptions(network, this.#deps.bridgePrefix);
  }
}

/** Of a bridge: the gateways, with the lengths of their subnets' prefixes, as the kernel spells them. */
function bridgeAddresses({ ipam }: NetworkRecord): string[] {
  return ipam.config.flatMap(({ Subnet, Gateway }) =>
    Subnet === undefined || Gateway === undefined ? [] : [`${canonicalAddress(Gateway)}/${parseCidr(Subnet).prefixLength}`],
  );
}

function addressOf(held: string): string {
  return held.slice(0, held.indexOf("/"));
}

/** The kernel's own of IPv6, and what is of one wire alone in IPv4. */
function isLinkLocal(address: string): boolean {
  return ["fe80::/10", "169.254.0.0/16"].some((subnet) => contains(parseCidr(subnet), address));
}

function isDefaultBridge({ options }: NetworkRecord): boolean {
  return options[bridgeOption.defaultBridge] === "true";
}

function enableForwarding(network: NetworkRecord): void {
  writeSysctl("net/ipv4/ip_forward", "1");
  if (network.enableIPv6) writeSysctl("net/ipv6/conf/all/forwarding", "1");
}

/** Ports of the bridge are isolated; what is allowed all the same goes through the host's rules (RFC 3069). */
function isolationSettings(bridge: string): [name: string, value: string][] {
  return [
    [`net/ipv4/conf/${bridge}/proxy_arp_pvlan`, "1"],
    [`net/ipv4/conf/${bridge}/send_redirects`, "0"],
    // The kernel would think about such an answer for up to 0.8 s.
    [`net/ipv4/neigh/${bridge}/proxy_delay`, "0"],
  ];
}

/** Begins what is written on a bridge of ours. */
const markPrefix = "pouch-network-";

function mark(network: NetworkRecord): string {
  return `${markPrefix}${network.id.slice(0, 12)}`;
}
