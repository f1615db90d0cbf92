import { forbidden, internal, invalidArgument } from "@pouchcontainer/errors";
import { lastWords, outcomeOf, startProgram } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { batchWord, type IpShell } from "../linux/ip-shell.ts";
import type { LinkChange } from "../linux/link-changes.ts";
import type { Links } from "../linux/links.ts";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";
import { writeSysctl } from "../linux/sysctl.ts";
import type { NetworkRecord } from "../network-record.ts";
import type { EndpointRecord } from "../sandbox-record.ts";
import { bandwidthOf, type Bandwidth } from "./bandwidth.ts";
import { bridgeOption, readMtu } from "./bridge-options.ts";
import { addressChanges } from "./endpoint-link.ts";
import type { EndpointPlace, NetworkDriver } from "./network-driver.ts";

const modes = {
  macvlan: { option: "macvlan_mode", words: ["bridge", "private", "vepa", "passthru"], otherwise: "bridge" },
  ipvlan: { option: "ipvlan_mode", words: ["l2", "l3", "l3s"], otherwise: "l2" },
} as const;

const ipvlanFlags = ["bridge", "private", "vepa"];

export interface SubInterfaceDriverDeps {
  kind: "macvlan" | "ipvlan";
  ip: IpShell;
  links: Links;
  namespaces: NetworkNamespaces;
  bandwidth: Bandwidth;
  env: NodeJS.ProcessEnv;
}

/** Containers on an interface of the host itself: each gets a sub-interface of the parent, without a bridge in between. */
export class SubInterfaceDriver implements NetworkDriver {
  readonly name: "macvlan" | "ipvlan";
  readonly resolvesNames = true;
  readonly publishesPorts = false;
  readonly #deps: SubInterfaceDriverDeps;

  constructor(deps: SubInterfaceDriverDeps) {
    this.name = deps.kind;
    this.#deps = deps;
  }

  managesAddresses(): boolean {
    return true;
  }

  validate(network: NetworkRecord, others: NetworkRecord[]): void {
    const { option, words } = modes[this.name];
    const mode = network.options[option];
    if (mode !== undefined && mode !== "" && !(words as readonly string[]).includes(mode)) {
      throw invalidArgument(
        `requested ${this.name} mode '${mode}' is not valid, '${modes[this.name].otherwise}' mode is the ${this.name} driver default`,
      );
    }
    const flag = network.options["ipvlan_flag"];
    if (flag !== undefined && !ipvlanFlags.includes(flag))
      throw invalidArgument(`unknown ipvlan flag (${flag}), valid values are ${ipvlanFlags.join(", ")}`);
    const parent = network.options["parent"];
    if (parent !== undefined && parent !== "" && !/^[A-Za-z0-9_.:@-]{1,15}$/.test(parent))
      throw invalidArgument(`invalid parent interface "${parent}"`);
    readMtu(network.options[bridgeOption.mtu]);
    const user = parent && others.find((other) => other.driver === this.name && other.options["parent"] === parent);
    if (user) throw forbidden(`network dm-${user.id.slice(0, 12)} is already using parent interface ${parent}`);
    if (parent === "lo") throw invalidArgument("loopback interface is not a valid parent link");
    const vlan = /^(.+)\.(\d+)$/.exec(parent ?? "");
    const { links } = this.#deps;
    if (parent && !links.find(parent) && !(vlan && links.find(vlan[1] ?? ""))) {
      throw invalidArgument(`invalid subinterface vlan name ${parent}, example formatting is eth0.10`);
    }
  }

  /** Makes the parent where it is a VLAN of an interface, or where none was named (a network of this host alone). */
  async createNetwork(network: NetworkRecord): Promise<void> {
    const parent = parentOf(network);
    if (this.#deps.links.find(parent)) return;
    const { ip, links } = this.#deps;
    ip.forget();
    const generated = generatedName(network);
    const vlan = /^(.+)\.(\d+)$/.exec(parent);
    const add =
      network.options["parent"] && vlan
        ? `link add link ${vlan[1]} name ${generated} type vlan id ${vlan[2]}`
        : `link add name ${generated} type dummy`;
    // It gets its name last, so that one of that name is marked whatever moment a daemon is killed at. The steps go alone: one that
    // fails has made nothing, and nothing may be written on what is another's.
    if (!links.find(generated)) await ip.run([add]);
    try {
      await ip.run([`link set dev ${generated} alias ${mark(network)}`]);
      if (parent !== generated) await ip.run([`link set dev ${generated} name ${parent}`]);
    } catch (error) {
      await this.#remove(generated);
      throw error;
    }
    try {
      await ip.run([`link set dev ${parent} up`]);
    } catch (error) {
      await this.#remove(parent);
      throw error;
    }
  }

  hasDevice(network: NetworkRecord): boolean {
    return this.#deps.links.find(parentOf(network)) !== undefined;
  }

  async removeNetwork(network: NetworkRecord): Promise<void> {
    const generated = generatedName(network);
    for (const name of new Set([parentOf(network), generated])) {
      // Only what was made for the network, never an interface of the host.
      const link = this.#deps.links.find(name);
      if (link && (link.alias === mark(network) || name === generated)) await this.#remove(name);
    }
  }

  prepareEndpoint(network: NetworkRecord, endpoint: EndpointRecord): void {
    const isolated = network.internal || !network.options["parent"];
    const routed = this.name === "ipvlan" && (network.options["ipvlan_mode"] ?? "l2") !== "l2";
    for (const family of ["ipv4", "ipv6"] as const) {
      const held = endpoint[family];
      if (!held || !(isolated || routed)) continue;
      // In l3 modes the kernel routes; there is no gateway to ask for.
      endpoint[family] = {
        address: held.address,
        prefixLength: held.prefixLength,
        ...(routed && !isolated ? { onDevice: true } : {}),
      };
    }
  }

  async attach(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<{ inside: LinkChange[] }> {
    const parent = parentOf(network);
    const { option, otherwise } = modes[this.name];
    const mode = network.options[option] || otherwise;
    const flag = network.options["ipvlan_flag"];
    const mtu = readMtu(network.options[bridgeOption.mtu]);
    const device = endpoint.interfaceName;
    const commands = [
      [
        `link add link ${parent} name ${device} netns ${batchWord(place.netnsPath)}`,
        this.name === "macvlan" ? `address ${endpoint.macAddress}` : "",
        mtu === undefined ? "" : `mtu ${mtu}`,
        `type ${this.name} mode ${mode}`,
        this.name === "ipvlan" && flag ? flag : "",
      ]
        .filter((word) => word !== "")
        .join(" "),
    ];
    const { ip } = this.#deps;
    ip.forget();
    await ip.run(commands);
    // Held open, the namespace would keep the interface on the wire when the container has gone.
    ip.forget();
    this.#deps.namespaces.within(place.netnsPath, () =>
      writeSysctl(`net/ipv6/conf/${device}/disable_ipv6`, endpoint.ipv6 ? "0" : "1"),
    );
    const limit = bandwidthOf({ ...endpoint.driverOptions, ...endpoint.genericParams });
    if (limit) await this.#deps.bandwidth.apply(limit, { inside: device, netnsPath: place.netnsPath });
    return { inside: addressChanges(endpoint) };
  }

  isAttached(_network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): boolean {
    const { links, namespaces } = this.#deps;
    return namespaces.within(place.netnsPath, () => links.find(endpoint.interfaceName) !== undefined);
  }

  async detach(_network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<void> {
    this.#deps.namespaces.change(place.netnsPath, [{ do: "delete", device: endpoint.interfaceName }]);
    await Promise.resolve();
  }

  /** An interface inside a namespace nobody is in answers nobody; there is no end of it on the host to wait for. */
  async vanished(): Promise<void> {
    await Promise.resolve();
  }

  /**
   * The kernel takes the interface with the namespace, but when it comes to that: until then it has its hardware address on the wire. In
   * a program, since the kernel waits for its readers.
   */
  async forget(_network: NetworkRecord, { interfaceName }: EndpointRecord, { netnsPath }: EndpointPlace): Promise<void> {
    const { env, namespaces } = this.#deps;
    if (!existsSync(netnsPath)) return;
    const start = () =>
      startProgram("ip", ["link", "delete", "dev", interfaceName], { env, packageName: "iproute2", neededForStop: true });
    const outcome = await outcomeOf(namespaces.within(netnsPath, start));
    if (outcome.status !== 0 && !/Cannot find device/.test(outcome.stderr))
      throw internal(`ip link delete dev ${interfaceName}: ${lastWords(outcome)}`);
  }

  #remove(parent: string): Promise<void> {
    this.#deps.ip.forget();
    return this.#deps.ip.run([`link delete dev ${parent}`], { tolerate: /Cannot find device/ });
  }
}

function parentOf(network: NetworkRecord): string {
  return network.options["parent"] || generatedName(network);
}

/** No other network's. */
function generatedName(network: NetworkRecord): string {
  return `dm-${network.id.slice(0, 12)}`;
}

function mark(network: NetworkRecord): string {
  return `pouch-network-${network.id.slice(0, 12)}`;
}
