import { familyOf } from "../ipam/cidr.ts";
import type { FirewallLink, PortProtocol } from "../sandbox-record.ts";

/** What the rules need to know of one bridge. */
export interface FirewallNetwork {
  bridge: string;
  subnets: string[];
  internal: boolean;
  /** Containers of the network may talk to each other. */
  interContainer: boolean;
  masquerade: boolean;
  /** Source address of what leaves, instead of the outgoing interface's own. */
  snatAddress?: string;
}

/** A published port. `hostAddress` 0.0.0.0 and :: stand for every address of the family. */
export interface FirewallPort {
  protocol: PortProtocol;
  hostAddress: string;
  hostPort: number;
  containerAddress: string;
  containerPort: number;
}

export interface RulesetState {
  networks: FirewallNetwork[];
  ports: FirewallPort[];
  links: FirewallLink[];
}

const maps = {
  ports4: "inet_proto . inet_service : ipv4_addr . inet_service",
  ports4at: "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
  ports6: "inet_proto . inet_service : ipv6_addr . inet_service",
  ports6at: "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
} as const;

/** The map a port belongs to, and its key and value there. */
export function portElement(port: FirewallPort): { map: keyof typeof maps; key: string; value: string } {
  const family = familyOf(port.hostAddress);
  const everywhere = port.hostAddress === "0.0.0.0" || port.hostAddress === "::";
  const place = `${port.protocol} . ${port.hostPort}`;
  const value = `${port.containerAddress} . ${port.containerPort}`;
  if (everywhere) return { map: family === 4 ? "ports4" : "ports6", key: place, value };
  return { map: family === 4 ? "ports4at" : "ports6at", key: `${port.hostAddress} . ${place}`, value };
}

export function linkElement(link: FirewallLink): { set: "links4" | "links6"; key: string } {
  return {
    set: familyOf(link.from) === 4 ? "links4" : "links6",
    key: `${link.from} . ${link.to} . ${link.protocol} . ${link.port}`,
  };
}

/**
 * The whole table, replacing the one that is there in the same transaction. Connections already made are not touched: the
 * kernel keeps their translation apart from the rules.
 */
export function renderRuleset(table: string, state: RulesetState): string {
  const lines = [`table inet ${table} {}`, `delete table inet ${table}`, `table inet ${table} {`];
  lines.push(...renderMaps(state));
  lines.push(...renderTranslation(state.networks));
  lines.push(...renderForward(state.networks));
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

function renderMaps(state: RulesetState): string[] {
  const lines: string[] = [];
  const elements = state.ports.map(portElement);
  for (const [name, type] of Object.entries(maps)) {
    const mine = elements.filter((element) => element.map === name).map((element) => `${element.key} : ${element.value}`);
    lines.push(`map ${name} { type ${type}; ${renderElements(mine)}}`);
  }
  const links = state.links.map(linkElement);
  for (const [name, address] of [
    ["links4", "ipv4_addr"],
    ["links6", "ipv6_addr"],
  ]) {
    const mine = links.filter((element) => element.set === name).map((element) => element.key);
    lines.push(`set ${name} { type ${address} . ${address} . inet_proto . inet_service; ${renderElements(mine)}}`);
  }
  const bridges = state.networks.map((network) => quote(network.bridge));
  lines.push(`set bridges { type ifname; ${renderElements(bridges)}}`);
  return lines;
}

function renderElements(elements: string[]): string {
  return elements.length === 0 ? "" : `elements = { ${[...new Set(elements)].join(", ")} }; `;
}

function renderTranslation(networks: FirewallNetwork[]): string[] {
  return [
    // The bridges accept packets for 127.0.0.0/8 (route_localnet, for published ports on loopback). None may come in from a container.
    "chain guard { type filter hook prerouting priority raw; iifname @bridges ip daddr 127.0.0.0/8 drop; }",
    "chain publish {",
    "meta l4proto != { tcp, udp, sctp } return",
    "ip6 daddr ::1 return",
    "meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @ports4at",
    "meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4",
    "meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6at",
    "meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports6",
    "}",
    "chain prerouting { type nat hook prerouting priority dstnat; fib daddr type local jump publish; }",
    "chain output { type nat hook output priority -100; fib daddr type local jump publish; }",
    "chain postrouting {",
    "type nat hook postrouting priority srcnat",
    ...networks.flatMap(renderPostrouting),
    "}",
  ];
}

function renderPostrouting(network: FirewallNetwork): string[] {
  const bridge = quote(network.bridge);
  const lines = [`oifname ${bridge} ip saddr 127.0.0.0/8 masquerade`];
  for (const subnet of network.subnets) {
    const ip = familyOf(subnet) === 4 ? "ip" : "ip6";
    // A container that reaches its neighbour through the host's address: the answer has to come back the same way.
    lines.push(`oifname ${bridge} ${ip} saddr ${subnet} ct status dnat masquerade`);
    if (network.internal || !network.masquerade) continue;
    const snat =
      network.snatAddress !== undefined && familyOf(network.snatAddress) === familyOf(subnet) ? network.snatAddress : undefined;
    lines.push(`oifname != ${bridge} ${ip} saddr ${subnet} ${snat === undefined ? "masquerade" : `snat ${ip} to ${snat}`}`);
  }
  return lines;
}

function renderForward(networks: FirewallNetwork[]): string[] {
  const lines: string[] = [];
  for (const [index, network] of networks.entries()) {
    const bridge = quote(network.bridge);
    lines.push(`chain to_${index} {`);
    if (network.internal) lines.push(`iifname != ${bridge} drop`);
    lines.push("ct status dnat accept");
    if (network.interContainer) lines.push(`iifname ${bridge} accept`);
    else {
      lines.push("ip saddr . ip daddr . meta l4proto . th dport @links4 accept");
      lines.push("ip6 saddr . ip6 daddr . meta l4proto . th dport @links6 accept");
    }
    // Nobody outside, and no other network, starts a conversation with a port that is not published.
    lines.push("drop", "}");
    if (network.internal) lines.push(`chain from_${index} { oifname != ${bridge} drop; }`);
  }
  const to = networks.map((network, index) => `${quote(network.bridge)} : jump to_${index}`);
  const from = networks.flatMap((network, index) => (network.internal ? [`${quote(network.bridge)} : jump from_${index}`] : []));
  lines.push("chain forward {", "type filter hook forward priority filter", "ct state established,related accept");
  if (from.length > 0) lines.push(`iifname vmap { ${from.join(", ")} }`);
  if (to.length > 0) lines.push(`oifname vmap { ${to.join(", ")} }`);
  lines.push("}");
  return lines;
}

function quote(name: string): string {
  return JSON.stringify(name);
}
