import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerStatsSchema } from "../../gen/runtime_v1_pb.ts";
import type { ContainersDeps, Metrics } from "../containers-deps.ts";
import type { PodContainer } from "../find-container.ts";
import { memoryUsage, swapUsage } from "./memory-usage.ts";

type Stats = MessageInitShape<typeof ContainerStatsSchema>;

/** Walking through what containers wrote costs: a figure is as old as this at most. */
const writtenForNs = 10_000_000_000n;
/** Between two looks that are nearer to each other than this a rate says nothing. */
const leastNs = 100_000_000n;

type MeterDeps = Pick<ContainersDeps, "containers" | "snapshotsFolder" | "now">;

interface CpuSample {
  at: bigint;
  usageNs: number;
  nanoCores: number;
}

/** Measures containers for CRI: counters of the kernel, the rate of processor time between two looks, and what they have written. */
export class ContainerMeter {
  readonly #deps: MeterDeps;
  readonly #cpu = new Map<string, CpuSample>();
  #written: { at: bigint; bytes: Map<string, number> } = { at: 0n, bytes: new Map() };
  #counting: Promise<void> | undefined;

  constructor(deps: MeterDeps) {
    this.#deps = deps;
  }

  /** Of each, in the order given. Those that do not run have what they wrote only. */
  async measure(records: readonly PodContainer[]): Promise<Stats[]> {
    const [counted, folder] = await Promise.all([
      this.#deps.containers.metrics(records.map(({ id }) => id)),
      this.#deps.snapshotsFolder(),
      this.#countWritten(records),
    ]);
    const at = this.#deps.now();
    this.#forgetGone();
    return records.map((record) => this.#statsOf(record, counted.get(record.id), at, folder));
  }

  #statsOf(record: PodContainer, metrics: Metrics | undefined, at: bigint, folder: string): Stats {
    const { name, attempt, labels, annotations } = record.cri.identity;
    const written = this.#written.bytes.get(record.id);
    return {
      attributes: { id: record.id, metadata: { name, attempt }, labels, annotations },
      ...(metrics && {
        cpu: {
          timestamp: at,
          usageCoreNanoSeconds: { value: BigInt(metrics.cpu.usageNs) },
          usageNanoCores: { value: BigInt(this.#rateOf(record.id, metrics.cpu.usageNs, at)) },
        },
        memory: memoryUsage(metrics, at),
        swap: swapUsage(metrics, at),
      }),
      ...(written !== undefined && {
        writableLayer: { timestamp: this.#written.at, fsId: { mountpoint: folder }, usedBytes: { value: BigInt(written) } },
      }),
    };
  }

  /** Billionths of a processor since the look before. */
  #rateOf(id: string, usageNs: number, at: bigint): number {
    const before = this.#cpu.get(id);
    const since = before === undefined ? 0n : at - before.at;
    if (before !== undefined && since < leastNs) return before.nanoCores;
    // A counter that has gone back is another run's.
    const used = before === undefined ? 0 : Math.max(0, usageNs - before.usageNs);
    const nanoCores = before === undefined ? 0 : Math.round((used * 1e9) / Number(since));
    this.#cpu.set(id, { at, usageNs, nanoCores });
    return nanoCores;
  }

  /** What is old is counted anew, for all at once; who comes meanwhile waits for the same count. */
  async #countWritten(records: readonly PodContainer[]): Promise<void> {
    const { at, bytes } = this.#written;
    const isFresh = this.#deps.now() - at < writtenForNs && records.every(({ id }) => bytes.has(id));
    if (isFresh) return;
    this.#counting ??= this.#count().finally(() => (this.#counting = undefined));
    await this.#counting;
  }

  async #count(): Promise<void> {
    const ids = this.#deps.containers.records().flatMap(({ id, pod }) => (pod ? [id] : []));
    this.#written = { bytes: await this.#deps.containers.writtenBytes(ids), at: this.#deps.now() };
  }

  #forgetGone(): void {
    const known = new Set(this.#deps.containers.records().map(({ id }) => id));
    for (const id of this.#cpu.keys()) if (!known.has(id)) this.#cpu.delete(id);
  }
}
