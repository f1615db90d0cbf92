import { internal, isKind } from "@pouchcontainer/errors";
import type { NetworkedContainer } from "./container-networks.ts";
import type { HostsEntry } from "./files/hosts-file.ts";
import { parseContainerPorts, type ContainerPort } from "./ports/port-specs.ts";
import type { EndpointRecord, FirewallLink } from "./sandbox-record.ts";

export interface Neighbour {
  container: NetworkedContainer;
  running: boolean;
  /** On the default bridge. */
  endpoint: EndpointRecord | undefined;
}

export type FindNeighbour = (ref: string) => Neighbour;

interface LinkedNeighbour {
  container: NetworkedContainer;
  address: string | undefined;
  alias: string;
}

/** `--link` on the default bridge: the containers that are meant, each running there. */
function linked(container: NetworkedContainer, find: FindNeighbour): LinkedNeighbour[] {
  return container.links.map(({ id, name, alias }) => {
    const neighbour = findOrNone(id, find);
    if (!neighbour?.running)
      throw internal(
        `Cannot link to a non running container: /${neighbour?.container.name ?? name} AS /${container.name}/${alias}`,
      );
    if (!neighbour.endpoint)
      throw internal(`Cannot link to /${neighbour.container.name}, as it does not belong to the default network`);
    return { container: neighbour.container, address: neighbour.endpoint.ipv4?.address, alias };
  });
}

function findOrNone(id: string, find: FindNeighbour): Neighbour | undefined {
  try {
    return find(id);
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}

/** The neighbours' exposed ports, open to the linking container even where containers may not talk to each other. */
export function linkOpenings(container: NetworkedContainer, own: EndpointRecord, find: FindNeighbour): FirewallLink[] {
  return linked(container, find).flatMap(({ container: neighbour, address: to }) => {
    const from = own.ipv4?.address;
    if (from === undefined || to === undefined) return [];
    return portsOf(neighbour).map(({ port, protocol }) => ({ from, to, protocol, port }));
  });
}

/** Lines of /etc/hosts for the neighbours: alias, host name, name. */
export function linkHosts(container: NetworkedContainer, find: FindNeighbour): HostsEntry[] {
  return linked(container, find).flatMap(({ container: neighbour, address, alias }) => {
    const names = [...new Set([alias, neighbour.hostname, neighbour.name])];
    return address === undefined ? [] : [{ address, names }];
  });
}

/**
 * Variables that tell a container of its neighbours, in Docker's order: `DB_PORT`, ranges of ports, each port, `DB_NAME`, and
 * the neighbour's own variables. A neighbour that is gone by now, for a later process, has none.
 */
export function linkEnvironment(container: NetworkedContainer, find: FindNeighbour): string[] {
  return container.links.flatMap(({ id, alias }) => {
    const neighbour = findOrNone(id, find);
    const address = neighbour?.running ? neighbour.endpoint?.ipv4?.address : undefined;
    if (!neighbour || address === undefined) return [];
    const prefix = alias.replaceAll("-", "_").toUpperCase();
    return [
      ...portVariables(`${prefix}_PORT`, address, portsOf(neighbour.container)),
      `${prefix}_NAME=/${container.name}/${alias}`,
      ...ownVariables(neighbour.container.env).map((entry) => `${prefix}_ENV_${entry}`),
    ];
  });
}

function portsOf({ exposedPorts }: NetworkedContainer): ContainerPort[] {
  return exposedPorts
    .flatMap(parseContainerPorts)
    .toSorted((a, b) => a.port - b.port || Number(b.protocol === "tcp") - Number(a.protocol === "tcp"));
}

function portVariables(prefix: string, address: string, ports: ContainerPort[]): string[] {
  const place = ({ port, protocol }: ContainerPort) => `${protocol}://${address}:${port}`;
  const name = ({ port, protocol }: ContainerPort) => `${prefix}_${port}_${protocol.toUpperCase()}`;
  const [first] = ports;
  return [
    ...(first ? [`${prefix}=${place(first)}`] : []),
    ...rangesOf(ports).flatMap(([start, end]) => [
      `${name(start)}_START=${place(start)}`,
      `${name(start)}_ADDR=${address}`,
      `${name(start)}_PROTO=${start.protocol}`,
      `${name(start)}_PORT_START=${start.port}`,
      `${name(start)}_END=${place(end)}`,
      `${name(start)}_PORT_END=${end.port}`,
    ]),
    ...ports.flatMap((port) => [
      `${name(port)}=${place(port)}`,
      `${name(port)}_ADDR=${address}`,
      `${name(port)}_PORT=${port.port}`,
      `${name(port)}_PROTO=${port.protocol}`,
    ]),
  ];
}

/** Runs of neighbouring ports of one protocol, two at least. */
function rangesOf(ports: ContainerPort[]): [ContainerPort, ContainerPort][] {
  const ranges: [ContainerPort, ContainerPort][] = [];
  for (const port of ports) {
    const range = ranges.find(([, end]) => end.protocol === port.protocol && end.port + 1 === port.port);
    if (range) range[1] = port;
    else ranges.push([port, port]);
  }
  return ranges.filter(([start, end]) => start !== end);
}

/** By name; what every container has of its own is left out, as are names without a value. */
function ownVariables(env: string[]): string[] {
  return env.filter((entry) => entry.includes("=") && !/^(HOME|PATH)=/.test(entry)).toSorted((a, b) => (a < b ? -1 : 1));
}
