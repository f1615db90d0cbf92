import type { MessageInitShape } from "@bufbuild/protobuf";
import type { InterfaceUsage, PodGroupUsage } from "@pouchcontainer/engine";
import type { ContainerStatsSchema, NetworkUsageSchema } from "../gen/runtime_v1_pb.ts";

/** Processor time and memory of a pod, by CRI's names for them. */
export interface PodUse {
  cpuNanoseconds: bigint;
  memory: {
    usageBytes: bigint;
    workingSetBytes: bigint;
    rssBytes: bigint;
    pageFaults: bigint;
    majorPageFaults: bigint;
    /** Absent without a limit. */
    availableBytes?: bigint;
  };
}

/** Of a pod with a control group of its own. */
export function useOfGroup({ cpuNanoseconds, memory }: PodGroupUsage): PodUse {
  const { limitBytes, ...counted } = memory;
  const free = limitBytes - counted.workingSetBytes;
  return { cpuNanoseconds, memory: { ...counted, ...(limitBytes > 0n && { availableBytes: free > 0n ? free : 0n }) } };
}

/** What containers use together. */
export function useOfContainers(stats: readonly MessageInitShape<typeof ContainerStatsSchema>[]): PodUse {
  const sum = (read: (one: MessageInitShape<typeof ContainerStatsSchema>) => { value?: bigint } | undefined): bigint =>
    stats.reduce((total, one) => total + (read(one)?.value ?? 0n), 0n);
  return {
    cpuNanoseconds: sum(({ cpu }) => cpu?.usageCoreNanoSeconds),
    memory: {
      usageBytes: sum(({ memory }) => memory?.usageBytes),
      workingSetBytes: sum(({ memory }) => memory?.workingSetBytes),
      rssBytes: sum(({ memory }) => memory?.rssBytes),
      pageFaults: sum(({ memory }) => memory?.pageFaults),
      majorPageFaults: sum(({ memory }) => memory?.majorPageFaults),
    },
  };
}

/** The one Kubernetes looks at. */
const defaultInterface = "eth0";

/** Undefined without that one: the kubelet takes it for given wherever there is a network. */
export function networkUsage(
  interfaces: readonly InterfaceUsage[],
  timestamp: bigint,
): MessageInitShape<typeof NetworkUsageSchema> | undefined {
  const shown = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes: { value: rxBytes },
    rxErrors: { value: rxErrors },
    txBytes: { value: txBytes },
    txErrors: { value: txErrors },
  }));
  const own = shown.find(({ name }) => name === defaultInterface);
  return own && { timestamp, defaultInterface: own, interfaces: shown.filter((each) => each !== own) };
}
