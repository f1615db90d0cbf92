import { internal, invalidArgument } from "@pouchcontainer/errors";
import { lastWords, outcomeOf, startProgram } from "@pouchcontainer/owners";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";

/** Limits in tc's units. */
export interface BandwidthLimit {
  /** Towards the container. */
  ingress?: string;
  /** From the container. */
  egress?: string;
  burst: string;
}

const unit = /^\d+(\.\d+)?(bit|[kmgt]i?bit|bps|[kmgt]i?bps)?$/i;
const size = /^\d+([kmg]b?|[kmg]?bit)?$/i;

/**
 * Generic parameters `bandwidth.rate` (both directions), `bandwidth.ingress`, `bandwidth.egress` and `bandwidth.burst`:
 * a number of bits per second, or tc's spelling (`10mbit`).
 */
export function bandwidthOf(params: Record<string, unknown>): BandwidthLimit | undefined {
  const rate = read(params, "bandwidth.rate", unit);
  const ingress = read(params, "bandwidth.ingress", unit) ?? rate;
  const egress = read(params, "bandwidth.egress", unit) ?? rate;
  if (ingress === undefined && egress === undefined) return undefined;
  return {
    ...(ingress === undefined ? {} : { ingress }),
    ...(egress === undefined ? {} : { egress }),
    burst: read(params, "bandwidth.burst", size) ?? "64kb",
  };
}

function read(params: Record<string, unknown>, name: string, form: RegExp): string | undefined {
  const value = params[name];
  if (value === undefined || value === null || value === "") return undefined;
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !form.test(text))
    throw invalidArgument(`generic parameter ${name}: ${JSON.stringify(value)} is not a number or a value like 10mbit`);
  return text;
}

/** Token buckets on both ends of an endpoint: each end limits what it sends. */
export class Bandwidth {
  readonly #namespaces: NetworkNamespaces;
  readonly #env: NodeJS.ProcessEnv;

  constructor(deps: { namespaces: NetworkNamespaces; env: NodeJS.ProcessEnv }) {
    this.#namespaces = deps.namespaces;
    this.#env = deps.env;
  }

  async apply(limit: BandwidthLimit, link: { host?: string; inside: string; netnsPath: string }): Promise<void> {
    const bucket = (device: string, rate: string) =>
      `qdisc replace dev ${device} root tbf rate ${rate} burst ${limit.burst} latency 100ms\n`;
    const work: Promise<void>[] = [];
    if (limit.ingress !== undefined && link.host !== undefined) work.push(this.#tc(bucket(link.host, limit.ingress)));
    if (limit.egress !== undefined) {
      const commands = bucket(link.inside, limit.egress);
      work.push(this.#tc(commands, link.netnsPath));
    }
    await Promise.all(work);
  }

  async #tc(commands: string, netnsPath?: string): Promise<void> {
    const start = () => startProgram("tc", ["-batch", "-"], { env: this.#env, packageName: "iproute2" });
    const running = netnsPath === undefined ? start() : this.#namespaces.within(netnsPath, start);
    const outcome = await outcomeOf(running, { input: commands });
    if (outcome.status !== 0) throw internal(`tc could not set the bandwidth limit: ${lastWords(outcome)}`);
  }
}
