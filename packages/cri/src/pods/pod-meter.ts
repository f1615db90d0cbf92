import { create } from "@bufbuild/protobuf";
import type { PodRecord } from "@pouchcontainer/engine";
import { PodSandboxStatsSchema, type PodSandboxStats } from "../gen/runtime_v1_pb.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { networkUsage, useOfContainers, useOfGroup } from "./pod-usage.ts";

/** Between two looks that are nearer to each other than this a rate says nothing. */
const leastNanoseconds = 100_000_000n;

interface CpuSample {
  at: bigint;
  used: bigint;
  nanoCores: bigint;
}

/**
 * Measures pods for CRI: what their own control group and network have counted, with their containers. A pod that was given no group has
 * what its containers have together.
 */
export class PodMeter {
  readonly #deps: Pick<PodCallDeps, "pods" | "containers" | "now">;
  readonly #cpu = new Map<string, CpuSample>();

  constructor(deps: Pick<PodCallDeps, "pods" | "containers" | "now">) {
    this.#deps = deps;
  }

  /** Of each, in the order given; those that end or go meanwhile are left out. */
  async measure(pods: readonly PodRecord[]): Promise<PodSandboxStats[]> {
    for (const id of this.#cpu.keys()) if (this.#deps.pods.find(id) === undefined) this.#cpu.delete(id);
    return (await Promise.all(pods.map((pod) => this.#measureOne(pod)))).filter((stats) => stats !== undefined);
  }

  async #measureOne(pod: PodRecord): Promise<PodSandboxStats | undefined> {
    const { pods, containers, now } = this.#deps;
    // The pod last: it has used no less than what is in it.
    const stats = await containers.statsIn(pod);
    if (!this.#isReady(pod)) return undefined;
    const { group, interfaces } = await pods.usage(pod.id);
    // What is taken down meanwhile has no figures, or none that mean anything.
    if (!this.#isReady(pod)) return undefined;
    const timestamp = now();
    const { metadata, labels, annotations, namespaces } = pod.config;
    const network = namespaces.network === "pod" ? networkUsage(interfaces, timestamp) : undefined;
    const { cpuNanoseconds, memory } = group ? useOfGroup(group) : useOfContainers(stats);
    return create(PodSandboxStatsSchema, {
      attributes: { id: pod.id, metadata, labels, annotations },
      linux: {
        cpu: {
          timestamp,
          usageCoreNanoSeconds: { value: cpuNanoseconds },
          usageNanoCores: { value: this.#rateOf(pod.id, cpuNanoseconds, timestamp) },
        },
        memory: { timestamp, ...Object.fromEntries(Object.entries(memory).map(([name, value]) => [name, { value }])) },
        ...(network && { network }),
        ...(group && { process: { timestamp, processCount: { value: group.processes } } }),
        containers: stats,
      },
    });
  }

  #isReady({ id }: PodRecord): boolean {
    return this.#deps.pods.find(id)?.state === "ready";
  }

  /** Billionths of a processor since the look before. */
  #rateOf(id: string, used: bigint, at: bigint): bigint {
    const before = this.#cpu.get(id);
    if (before !== undefined && at - before.at < leastNanoseconds) return before.nanoCores;
    // Containers that have gone take along what they had used.
    const more = before === undefined || used < before.used ? 0n : used - before.used;
    const nanoCores = before === undefined ? 0n : (more * 1_000_000_000n) / (at - before.at);
    this.#cpu.set(id, { at, used, nanoCores });
    return nanoCores;
  }
}
