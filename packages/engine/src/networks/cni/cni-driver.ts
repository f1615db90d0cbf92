import { invalidArgument } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import type { EndpointPlace, NetworkDriver } from "../drivers/network-driver.ts";
import type { LinkChange } from "../linux/link-changes.ts";
import type { NetworkRecord } from "../network-record.ts";
import type { CniEndpoint, EndpointAddress, EndpointRecord } from "../sandbox-record.ts";
import { familyOf } from "../ipam/cidr.ts";
import { loadNetworkList, type CniNetworkList, type CniResult } from "./cni-config.ts";
import type { CniRunner, CniTarget } from "./cni-runner.ts";

/** Options of a network whose driver is `cni`: the list to use, by its name. */
const listOption = "cni.network";

export interface CniDriverDeps {
  runner: Pick<CniRunner, "find" | "add" | "remove">;
  configDirectory: string;
  /** Name the driver was asked for by: `ptp`, `cni:bridge`, or `cni`. */
  name: string;
}

/**
 * A CNI plugin as a network driver. A network of driver `ptp` (or `cni:ptp`) is one plugin: the network's options become its
 * configuration, the engine chooses addresses and hands them over through CNI's `static`. A network of driver `cni` names a
 * list of the host's with `cni.network`; its plugins choose addresses themselves.
 */
export class CniDriver implements NetworkDriver {
  readonly name: string;
  readonly resolvesNames = true;
  readonly publishesPorts = true;
  readonly #deps: CniDriverDeps;

  constructor(deps: CniDriverDeps) {
    this.name = deps.name;
    this.#deps = deps;
  }

  managesAddresses(network: Pick<NetworkRecord, "options">): boolean {
    return network.options[listOption] === undefined && network.options["ipam"] === undefined;
  }

  validate(network: NetworkRecord): void {
    if (this.name === "cni" && network.options[listOption] === undefined)
      throw invalidArgument(`driver cni needs the option ${listOption}: the name of a list in ${this.#deps.configDirectory}`);
    const list = this.#list(network, undefined);
    for (const plugin of list.plugins)
      if (this.#deps.runner.find(plugin.type) === undefined)
        throw invalidArgument(`the CNI plugin "${plugin.type}" is not installed`);
  }

  /** Plugins make what they need with the first container. */
  async createNetwork(): Promise<void> {
    await Promise.resolve();
  }

  async removeNetwork(): Promise<void> {
    await Promise.resolve();
  }

  /** The list as it is now, since DEL is to be asked of whom ADD is. */
  prepareEndpoint(network: NetworkRecord, endpoint: EndpointRecord): void {
    endpoint.cni = { list: this.#list(network, endpoint) };
  }

  async attach(
    network: NetworkRecord,
    endpoint: EndpointRecord,
    place: EndpointPlace,
  ): Promise<{ inside: LinkChange[]; changed?: boolean }> {
    const { list } = this.#asked(network, endpoint);
    const target = this.#target(network, endpoint, place);
    const result = await this.#deps.runner.add(list, target);
    endpoint.cni = { list, target, result };
    const own = result.interfaces?.find((each) => each.name === endpoint.interfaceName && each.sandbox);
    const managed = this.managesAddresses(network);
    if (own?.mac) endpoint.macAddress = own.mac;
    if (!managed) takeAddresses(endpoint, result);
    return { inside: [], changed: true };
  }

  /** What a plugin makes is its own affair, and asking it is CHECK, which few have. */
  isAttached(): boolean {
    return true;
  }

  async detach(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<void> {
    const { list, target = this.#target(network, endpoint, place), result } = this.#asked(network, endpoint);
    await this.#deps.runner.remove(list, { ...target, netnsPath: presentPath(place) }, result);
  }

  forget(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): Promise<void> {
    return this.detach(network, endpoint, place);
  }

  /** DEL returns when it is done. */
  async vanished(): Promise<void> {
    await Promise.resolve();
  }

  /** An endpoint that a daemon of before made has no list of its own: the list of today is as near as can be. */
  #asked(network: NetworkRecord, endpoint: EndpointRecord): CniEndpoint {
    return endpoint.cni ?? { list: this.#list(network, endpoint) };
  }

  #target(network: NetworkRecord, endpoint: EndpointRecord, place: EndpointPlace): CniTarget {
    return {
      containerId: place.containerId,
      netnsPath: presentPath(place),
      interfaceName: endpoint.interfaceName,
      args: `IgnoreUnknown=1;POUCH_CONTAINER=${place.containerName};POUCH_NETWORK=${cniName(network)}`,
      runtimeConfig: { mac: endpoint.macAddress, ...endpoint.genericParams },
    };
  }

  #list(network: NetworkRecord, endpoint: EndpointRecord | undefined): CniNetworkList {
    const named = network.options[listOption];
    if (named !== undefined) return loadNetworkList(this.#deps.configDirectory, named);
    const options = Object.fromEntries(Object.entries(network.options).map(([key, value]) => [key, jsonOrText(value)]));
    const ipam = this.managesAddresses(network) ? { ipam: staticIpam(endpoint) } : {};
    return {
      cniVersion: "0.4.0",
      name: cniName(network),
      plugins: [{ ...options, ...ipam, type: this.name.replace(/^cni:/, "") }],
    };
  }
}

/** After a reboot there is none, and plugins only give back what they hold elsewhere. */
function presentPath({ netnsPath }: EndpointPlace): string {
  return existsSync(netnsPath) ? netnsPath : "";
}

/** The specification allows fewer names than Docker, and plugins make paths of them. */
function cniName(network: NetworkRecord): string {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(network.name) ? network.name : `pouch-${network.id.slice(0, 12)}`;
}

function staticIpam(endpoint: EndpointRecord | undefined) {
  const addresses = [endpoint?.ipv4, endpoint?.ipv6].flatMap((held) =>
    held
      ? [{ address: `${held.address}/${held.prefixLength}`, ...(held.gateway === undefined ? {} : { gateway: held.gateway }) }]
      : [],
  );
  return { type: "static", addresses };
}

function takeAddresses(endpoint: EndpointRecord, result: CniResult): void {
  for (const ip of result.ips ?? []) {
    const [address = "", length] = ip.address.split("/");
    const held: EndpointAddress = { address, prefixLength: Number(length), ...(ip.gateway ? { gateway: ip.gateway } : {}) };
    if (familyOf(address) === 4) endpoint.ipv4 ??= held;
    else endpoint.ipv6 ??= held;
  }
}

/** Options are text; `-o isGateway=true` and `-o mtu=1400` are meant as what they look like. */
function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
