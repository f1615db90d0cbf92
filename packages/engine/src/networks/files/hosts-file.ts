/** One line of /etc/hosts: an address and its names. */
export interface HostsEntry {
  address: string;
  names: string[];
}

const loopback4: HostsEntry = { address: "127.0.0.1", names: ["localhost"] };
const loopback6: HostsEntry[] = [
  { address: "::1", names: ["localhost", "ip6-localhost", "ip6-loopback"] },
  { address: "fe00::", names: ["ip6-localnet"] },
  { address: "ff00::", names: ["ip6-mcastprefix"] },
  { address: "ff02::1", names: ["ip6-allnodes"] },
  { address: "ff02::2", names: ["ip6-allrouters"] },
];

/** /etc/hosts as Docker writes it: loopback names, what the user asked for, then the container's own addresses. */
export function renderHosts(entries: HostsEntry[], options: { ipv6: boolean } = { ipv6: true }): string {
  const all = [loopback4, ...(options.ipv6 ? loopback6 : []), ...entries];
  return all.map((entry) => `${entry.address}\t${entry.names.join(" ")}\n`).join("");
}

/** The container's own names: `web.example.com web`, or the host name alone. */
export function ownNames(hostname: string, domainname: string): string[] {
  const whole = domainname === "" ? hostname : `${hostname}.${domainname}`;
  const [short = ""] = whole.split(".");
  return short === whole ? [whole] : [whole, short];
}

/**
 * `HostConfig.ExtraHosts` (`name:address` or `name=address`, `host-gateway` standing for the host) as entries.
 * Malformed ones were refused when the container was created.
 */
export function extraHosts(lines: string[], hostGateway: readonly string[]): HostsEntry[] {
  return lines.flatMap((line) => {
    const cut = line.search(/[=:]/);
    const name = line.slice(0, cut);
    const address = line.slice(cut + 1).replace(/^\[(.*)\]$/, "$1");
    if (address === "host-gateway") return hostGateway.map((gateway) => ({ address: gateway, names: [name] }));
    return [{ address, names: [name] }];
  });
}
