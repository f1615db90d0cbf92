import type { PortSummary } from "@pouchcontainer/api";

/** Ports in `ps`: runs of ports with the same mapping are drawn together, `0.0.0.0:80->80/tcp, 8000-8010/udp`. */
export function portText(ports: readonly PortSummary[]): string {
  const sorted = ports.toSorted(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      compare(a.IP, b.IP) ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      compare(a.Type, b.Type),
  );
  const groups = new Map<string, { first: number; last: number }>();
  const order: string[] = [];
  const result: string[] = [];
  const mapped: string[] = [];
  for (const port of sorted) {
    if (port.IP !== undefined && port.IP !== "" && port.PublicPort !== port.PrivatePort) {
      mapped.push(`${hostAddress(port.IP)}:${port.PublicPort}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const key = `${port.IP ?? ""}/${port.Type}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { first: port.PrivatePort, last: port.PrivatePort });
      order.push(key);
    } else if (port.PrivatePort === group.last + 1) group.last = port.PrivatePort;
    else if (port.PrivatePort !== group.last) {
      result.push(groupText(key, group));
      groups.set(key, { first: port.PrivatePort, last: port.PrivatePort });
    }
  }
  for (const key of order) {
    const group = groups.get(key);
    if (group !== undefined) result.push(groupText(key, group));
  }
  return [...result, ...mapped].join(", ");
}

function groupText(key: string, { first, last }: { first: number; last: number }): string {
  const slash = key.lastIndexOf("/");
  const ip = key.slice(0, slash);
  const ports = first === last ? String(first) : `${first}-${last}`;
  return `${ip === "" ? ports : `${hostAddress(ip)}:${ports}->${ports}`}/${key.slice(slash + 1)}`;
}

export const hostAddress = (ip: string): string => (ip.includes(":") ? `[${ip}]` : ip);

const compare = (a: string | undefined, b: string | undefined): number =>
  (a ?? "") < (b ?? "") ? -1 : (a ?? "") > (b ?? "") ? 1 : 0;
