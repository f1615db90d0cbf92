import { familyOf, type Family } from "../ipam/cidr.ts";
import type { Links } from "../linux/links.ts";
import type { UdpFlow, UdpFlows } from "../linux/udp-flows.ts";
import type { FirewallPort } from "./ruleset.ts";

export interface PublishedFlowsDeps {
  flows: Pick<UdpFlows, "to" | "end">;
  links: Pick<Links, "localAddresses">;
  warn: (message: string) => void;
}

/**
 * UDP flows to published ports. A client that goes on sending keeps the way its first packet was given: to the address of a
 * container that is gone, which may be another's by then, or to nobody, when it began before the port was published. So
 * flows that lead elsewhere end when a port is published, and all of them when it is given up. TCP needs none of this: its
 * clients begin anew.
 */
export class PublishedFlows {
  readonly #deps: PublishedFlowsDeps;
  #warned = false;

  constructor(deps: PublishedFlowsDeps) {
    this.#deps = deps;
  }

  /** The rules lead to these ports now: ends what is led elsewhere. */
  opened(ports: FirewallPort[]): Promise<void> {
    return this.#end(ports, (flow, port) => flow.answeredBy !== port.containerAddress);
  }

  /** The rules lead there no more. */
  closed(ports: FirewallPort[]): Promise<void> {
    return this.#end(ports, () => true);
  }

  async #end(ports: FirewallPort[], misled: (flow: UdpFlow, port: FirewallPort) => boolean): Promise<void> {
    const { flows, links } = this.#deps;
    const udp = ports.filter(({ protocol }) => protocol === "udp");
    for (const family of [4, 6] as const) {
      const mine = udp.filter(({ hostAddress }) => familyOf(hostAddress) === family);
      if (mine.length === 0) continue;
      try {
        const begun = await flows.to(new Set(mine.map(({ hostPort }) => hostPort)), family);
        if (begun.length === 0) continue;
        // What only passes through this machine is none of ours.
        const local = links.localAddresses();
        flows.end(begun.filter((flow) => mine.some((port) => isTo(flow, port, local) && misled(flow, port))));
      } catch (error) {
        this.#warnOnce(family, error);
      }
    }
  }

  /** A kernel without the table's netlink interface: once is enough to say so. */
  #warnOnce(family: Family, error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#deps.warn(
      `UDP clients of published ports may be led to containers that are gone (IPv${family}): the kernel's flows cannot be asked: ${String(error)}`,
    );
  }
}

function isTo(flow: UdpFlow, port: FirewallPort, local: Set<string>): boolean {
  if (flow.destinationPort !== port.hostPort) return false;
  const everywhere = port.hostAddress === "0.0.0.0" || port.hostAddress === "::";
  if (!everywhere) return flow.destination === port.hostAddress;
  return local.has(flow.destination) || flow.destination.startsWith("127.");
}
