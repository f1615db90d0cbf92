import type * as api from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { canonicalAddress } from "../ipam/cidr.ts";
import type { PortProtocol } from "../sandbox-record.ts";

export interface ContainerPort {
  port: number;
  protocol: PortProtocol;
}

/** One binding that was asked for. `hostPorts` absent: any free port. */
export interface PortRequest extends ContainerPort {
  /** As the kernel spells it; "" for every address. */
  hostAddress: string;
  hostPorts?: { first: number; last: number };
}

const protocols = ["tcp", "udp", "sctp"];

/** `80`, `80/udp`, `8000-8010/tcp`: every port of it. */
export function parseContainerPorts(text: string): ContainerPort[] {
  const [range = "", protocol = "tcp"] = text.split("/");
  const word = protocol.toLowerCase();
  if (!isProtocol(word)) throw invalidArgument(`invalid proto: ${protocol}`);
  const { first, last } = parseRange(range, text);
  if (first === 0) throw invalidArgument(`invalid port specification: "${text}"`);
  return Array.from({ length: last - first + 1 }, (_, index) => ({ port: first + index, protocol: word }));
}

function isProtocol(word: string): word is PortProtocol {
  return protocols.includes(word);
}

function parseRange(text: string, whole: string): { first: number; last: number } {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first > last || last > 65535) throw invalidArgument(`invalid port specification: "${whole}"`);
  return { first, last };
}

/** What `HostConfig.PortBindings` and `PublishAllPorts` ask for, in the order it is to be taken. */
export function portRequests(
  hostConfig: Pick<api.HostConfig, "PortBindings" | "PublishAllPorts">,
  exposed: string[],
): PortRequest[] {
  const requests: PortRequest[] = [];
  const bindings = hostConfig.PortBindings ?? {};
  for (const [key, places] of Object.entries(bindings)) {
    for (const container of parseContainerPorts(key)) {
      for (const place of places ?? []) requests.push(request(container, place, key));
    }
  }
  if (hostConfig.PublishAllPorts === true) {
    for (const key of exposed) {
      for (const container of parseContainerPorts(key)) {
        const bound = bindings[`${container.port}/${container.protocol}`];
        if (!bound || bound.length === 0) requests.push({ ...container, hostAddress: "" });
      }
    }
  }
  // Ports that were named come before any that may be others: those must not take them away.
  return requests.sort((a, b) => freedom(a) - freedom(b) || a.port - b.port || a.protocol.localeCompare(b.protocol));
}

/** How many host ports a request can be content with. */
function freedom({ hostPorts }: PortRequest): number {
  return hostPorts ? hostPorts.last - hostPorts.first : 65_536;
}

function request(container: ContainerPort, place: api.PortBinding, key: string): PortRequest {
  const written = (place.HostIp ?? "").replace(/^\[(.*)\]$/, "$1");
  const hostAddress = written === "" ? "" : canonicalAddress(written);
  const text = place.HostPort ?? "";
  if (text === "" || text === "0") return { ...container, hostAddress };
  const [range = "", protocol] = text.split("/");
  if (protocol !== undefined && protocol !== container.protocol)
    throw invalidArgument(`invalid port specification: "${text}" for ${key}`);
  return { ...container, hostAddress, hostPorts: parseRange(range, text) };
}
