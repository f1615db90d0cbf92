import { conflict } from "@pouchcontainer/errors";
import type { NetworkedContainer } from "./container-networks.ts";
import type { HostsEntry } from "./files/hosts-file.ts";
import { parseContainerPorts } from "./ports/port-specs.ts";
import type { EndpointRecord, FirewallLink } from "./sandbox-record.ts";

export interface Neighbour {
  container: NetworkedContainer;
  running: boolean;
  endpoint: EndpointRecord | undefined;
}

export type FindNeighbour = (ref: string) => Neighbour;

interface LinkedNeighbour {
  neighbour: Neighbour;
  endpoint: EndpointRecord;
  alias: string;
}

/** `--link` on the default bridge: which running containers are meant, and under which names. */
function linked(container: NetworkedContainer, find: FindNeighbour): LinkedNeighbour[] {
  return (container.hostConfig.Links ?? []).map((link) => {
    const [ref = "", alias = ref] = link.split(":");
    const neighbour = find(ref.replace(/^\//, ""));
    const shown = alias.replace(/^.*\//, "");
    if (!neighbour.running || !neighbour.endpoint)
      throw conflict(`Cannot link to a non running container: /${neighbour.container.name} AS /${container.name}/${shown}`);
    return { neighbour, endpoint: neighbour.endpoint, alias: shown };
  });
}

/** The neighbours' exposed ports, open to the linking container even where containers may not talk to each other. */
export function linkOpenings(container: NetworkedContainer, own: EndpointRecord, find: FindNeighbour): FirewallLink[] {
  return linked(container, find).flatMap(({ neighbour, endpoint }) => {
    const from = own.ipv4?.address;
    const to = endpoint.ipv4?.address;
    if (from === undefined || to === undefined) return [];
    return neighbour.container.exposedPorts
      .flatMap(parseContainerPorts)
      .map(({ port, protocol }) => ({ from, to, protocol, port }));
  });
}

/** Lines of /etc/hosts for the neighbours: alias, host name, name. */
export function linkHosts(container: NetworkedContainer, find: FindNeighbour): HostsEntry[] {
  return linked(container, find).flatMap(({ neighbour, endpoint, alias }) => {
    const names = [...new Set([alias, neighbour.container.hostname, neighbour.container.name])];
    return endpoint.ipv4 ? [{ address: endpoint.ipv4.address, names }] : [];
  });
}
