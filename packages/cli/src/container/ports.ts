import type { PortMap } from "@pouchcontainer/api";
import { BadFlagValue } from "../flags/flag-types.ts";

export interface PortSpec {
  exposed: Record<string, Record<string, never>>;
  bindings: PortMap;
}

/** What `--publish` and `--expose` mean together. */
export function readPorts(published: readonly string[], exposed: readonly string[]): PortSpec {
  const result: PortSpec = { exposed: {}, bindings: {} };
  for (const spec of published) publish(spec, result);
  for (const spec of exposed) {
    const [ports = "", protocol] = spec.split("/");
    for (const port of range(ports, spec, "range format for --expose"))
      result.exposed[`${port}/${protocolOf(protocol, spec)}`] = {};
  }
  return result;
}

/** `[host-ip:][host-port[-end]:]port[-end][/protocol]`; an IPv6 address stands in brackets. */
function publish(spec: string, into: PortSpec): void {
  const [addresses = "", protocol, ...more] = spec.split("/");
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(addresses);
  const parts = (bracketed?.[2] ?? addresses).split(":");
  const container = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  const address = bracketed?.[1] ?? parts.pop() ?? "";
  if (more.length > 0 || parts.length > 0)
    throw bad(spec, "write [host-ip:][host-port:]port[/protocol], for example 127.0.0.1:8080:80/tcp");
  if (address !== "" && !isAddress(address)) throw bad(spec, `invalid IP address: ${address}`);

  const ports = range(container, spec, "containerPort");
  const hosts = host === "" ? [] : range(host, spec, "hostPort");
  // One container port may have a range of host ports to choose from.
  const choice = ports.length === 1 && hosts.length > 1;
  if (hosts.length > 0 && !choice && hosts.length !== ports.length)
    throw bad(spec, "invalid ranges specified for container and host Ports");
  for (const [at, port] of ports.entries()) {
    const key = `${port}/${protocolOf(protocol, spec)}`;
    into.exposed[key] = {};
    const hostPort = choice ? host : String(hosts[at] ?? "");
    into.bindings[key] = [...(into.bindings[key] ?? []), { HostIp: address, HostPort: hostPort }];
  }
}

/** Whether a text looks like an IP address; the daemon reads it exactly. `node:net` would know, at the price of loading it. */
function isAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%\w+)?$/.test(text);
}

function range(text: string, spec: string, what: string): number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (match === null || from < 1 || to > 65535 || to < from)
    throw bad(spec, `invalid ${what}: ${text}: a port is 1 to 65535, a range looks like 8000-8010`);
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function protocolOf(given: string | undefined, spec: string): string {
  const protocol = (given ?? "tcp").toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw bad(spec, `invalid proto: ${given}: tcp, udp and sctp are known`);
  return protocol;
}

const bad = (spec: string, reason: string): BadFlagValue =>
  new BadFlagValue(spec, `invalid publish specification ${spec}: ${reason}`);
