import { inBackground } from "@pouchcontainer/owners";
import { isDeepStrictEqual } from "node:util";
import type { NftShell } from "../linux/nft-shell.ts";
import type { PublishedFlows } from "./published-flows.ts";
import { linkElement, portElement, renderRuleset, type FirewallNetwork, type FirewallPort } from "./ruleset.ts";
import type { FirewallLink } from "../sandbox-record.ts";

export interface FirewallDeps {
  nft: Pick<NftShell, "load" | "run" | "list">;
  /** Name of the one table; two daemons need two. */
  table: string;
  flows: Pick<PublishedFlows, "opened" | "closed">;
  /** How often the table is compared with what it should be; 0 never. */
  verifyMilliseconds: number;
  warn: (message: string) => void;
}

/**
 * Our one nftables table. What it should hold is kept here; a network's rules are put in place by replacing the table in one
 * transaction, a container's ports by adding elements to its maps. A table that somebody flushed or changed is put back.
 */
export class Firewall {
  readonly #deps: FirewallDeps;
  readonly #networks = new Map<string, FirewallNetwork>();
  readonly #ports = new Map<string, FirewallPort>();
  readonly #links = new Map<string, FirewallLink>();
  /** How the table is listed when it is as it should be, and of which networks that was. Ports and links are not listed. */
  #expected: string | undefined;
  #expectedOf = "";
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: FirewallDeps) {
    this.#deps = deps;
    if (deps.verifyMilliseconds > 0) {
      this.#timer = setInterval(
        () =>
          inBackground("checking the firewall", () =>
            this.verify().catch((error: unknown) => deps.warn(`cannot check the firewall: ${String(error)}`)),
          ),
        deps.verifyMilliseconds,
      );
      this.#timer.unref();
    }
  }

  /** Of a network that is as the table in place has it there is nothing to do: a start comes here with every network there is. */
  setNetwork(network: FirewallNetwork): Promise<void> {
    return this.#exclusive(async () => {
      const before = this.#networks.get(network.bridge);
      if (this.#expected !== undefined && isDeepStrictEqual(before, network)) return;
      this.#networks.set(network.bridge, network);
      try {
        await this.#load();
      } catch (error) {
        if (before) this.#networks.set(network.bridge, before);
        else this.#networks.delete(network.bridge);
        throw error;
      }
    });
  }

  removeNetwork(bridge: string): Promise<void> {
    return this.#exclusive(async () => {
      if (!this.#networks.delete(bridge)) return;
      await this.#load();
    });
  }

  /** Opens published ports and links of one endpoint, all or none. */
  async open(ports: FirewallPort[], links: FirewallLink[]): Promise<void> {
    await this.#exclusive(async () => {
      const fresh = ports.filter((port) => !this.#isOpen(port));
      const freshLinks = links.filter((link) => !this.#links.has(linkElement(link).key));
      for (const port of fresh) this.#ports.set(portKey(port), port);
      for (const link of freshLinks) this.#links.set(linkElement(link).key, link);
      try {
        await this.#change("add", fresh, freshLinks);
      } catch (error) {
        for (const port of fresh) this.#ports.delete(portKey(port));
        for (const link of freshLinks) this.#links.delete(linkElement(link).key);
        throw error;
      }
    });
    await this.#deps.flows.opened(ports);
  }

  async close(ports: FirewallPort[], links: FirewallLink[]): Promise<void> {
    const closed = await this.#exclusive(async () => {
      // A port that meanwhile leads elsewhere is another's.
      const open = ports.filter((port) => this.#isOpen(port) && this.#ports.delete(portKey(port)));
      const openLinks = links.filter((link) => this.#links.delete(linkElement(link).key));
      await this.#change("delete", open, openLinks);
      return open;
    });
    await this.#deps.flows.closed(closed);
  }

  /**
   * What was open when the daemon ended, taken in before anything is put in place: the first transaction then already holds
   * it, and ports of running containers are never shut in between.
   */
  remember(networks: FirewallNetwork[], ports: FirewallPort[], links: FirewallLink[]): void {
    for (const network of networks) this.#networks.set(network.bridge, network);
    for (const port of ports) this.#ports.set(portKey(port), port);
    for (const link of links) this.#links.set(linkElement(link).key, link);
  }

  /** Puts the table back when it is not what it should be; true when it had to. */
  verify(): Promise<boolean> {
    return this.#exclusive(async () => {
      if (this.#expected === undefined) return false;
      const found = await this.#deps.nft.list(this.#deps.table);
      if (found === this.#expected) return false;
      this.#deps.warn(
        `the nftables table "inet ${this.#deps.table}" was ${found === undefined ? "removed" : "changed"} from outside: it is put back`,
      );
      await this.#load();
      await this.#deps.flows.opened([...this.#ports.values()]);
      return true;
    });
  }

  /** Takes the table away; for a daemon that is removed from the machine, and for tests. */
  async remove(): Promise<void> {
    await this.stop();
    await this.#deps.nft.load(`table inet ${this.#deps.table} {}\ndelete table inet ${this.#deps.table}\n`);
  }

  /** Ends the checks; the rules stay. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#last.catch(() => undefined);
  }

  async #load(): Promise<void> {
    const networks = [...this.#networks.values()];
    const state = { networks, ports: [...this.#ports.values()], links: [...this.#links.values()] };
    await this.#deps.nft.load(renderRuleset(this.#deps.table, state));
    // Of the same networks it is listed the same: what somebody does to a table that was just put back must not be taken for right.
    const of = JSON.stringify(networks);
    if (this.#expected !== undefined && of === this.#expectedOf) return;
    this.#expected = await this.#deps.nft.list(this.#deps.table);
    this.#expectedOf = of;
  }

  async #change(verb: "add" | "delete", ports: FirewallPort[], links: FirewallLink[]): Promise<void> {
    const { nft, table } = this.#deps;
    const commands = ports.map((port) => {
      const { map, key, value } = portElement(port);
      return `${verb} element inet ${table} ${map} { ${key} : ${value} }`;
    });
    for (const link of links) {
      const { set, key } = linkElement(link);
      commands.push(`${verb} element inet ${table} ${set} { ${key} }`);
    }
    if (commands.length === 0) return;
    try {
      await nft.run(commands.join("; "));
    } catch {
      // The table is not what it should be, flushed a moment ago for instance: put all of it back, this change included.
      await this.#load();
    }
  }

  #isOpen(port: FirewallPort): boolean {
    const open = this.#ports.get(portKey(port));
    return open !== undefined && portElement(open).value === portElement(port).value;
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result;
    return result;
  }
}

function portKey(port: FirewallPort): string {
  const { map, key } = portElement(port);
  return `${map} ${key}`;
}
