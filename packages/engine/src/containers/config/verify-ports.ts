import type { PortMap } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { isIP } from "node:net";

const protocols = new Set(["tcp", "udp", "sctp"]);

/** Checks `PortBindings` (`80/tcp` → places on the host) and `ExposedPorts` as far as they can be without a network. */
export function verifyPorts(bindings: PortMap, exposed: readonly string[]): void {
  for (const [port, places] of Object.entries(bindings)) {
    const [number = "", protocol = "tcp"] = port.split("/");
    if (!isPort(number)) throw invalidArgument(`invalid port specification: "${number}"`);
    if (!protocols.has(protocol)) throw invalidArgument(`invalid port specification: "${port}"`);
    for (const { HostIp = "", HostPort = "" } of places ?? []) {
      if (HostIp !== "" && !isAddress(HostIp.replace(/^\[(.*)\]$/, "$1"))) throw invalidArgument(`invalid IP address: ${HostIp}`);
      const [hostNumber = ""] = HostPort.split("/");
      if (hostNumber !== "" && !isPortRange(hostNumber)) throw invalidArgument(`invalid port specification: "${HostPort}"`);
    }
  }
  for (const port of exposed) if (!isExposable(port)) throw invalidArgument(`invalid port specification: "${port}"`);
}

/** As Go's `net.ParseIP`, which knows no zones. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** Whether a key of `ExposedPorts` is a port, or a range of them, of a protocol. */
export function isExposable(port: string): boolean {
  const [range = "", protocol = "tcp", ...rest] = port.split("/");
  return rest.length === 0 && isPortRange(range) && protocols.has(protocol);
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= 65_535;
}

function isPortRange(text: string): boolean {
  const [first = "", last = first, ...rest] = text.split("-");
  return rest.length === 0 && isPort(first) && isPort(last) && Number(first) <= Number(last);
}
