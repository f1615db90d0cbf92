import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  MetricType,
  type ContainerStats,
  type CpuUsage,
  type MemoryUsage,
  type MetricDescriptorSchema,
  type MetricSchema,
  type NetworkInterfaceUsage,
  type PodSandboxMetricsSchema,
  type PodSandboxStats,
  type UInt64Value,
} from "../gen/runtime_v1_pb.ts";

/** Labels every figure has, in their order. */
const commonLabels = ["id", "name", "image", "namespace", "pod", "container"];

/** What figures are taken from: a pod as a whole, or one of its containers. */
interface Measured {
  timestamp: bigint;
  cpu: CpuUsage | undefined;
  memory: MemoryUsage | undefined;
  swapBytes?: UInt64Value | undefined;
  writtenBytes?: UInt64Value | undefined;
  processes?: UInt64Value | undefined;
  interfaces?: NetworkInterfaceUsage[];
}

interface MetricKind {
  name: string;
  help: string;
  type: MetricType;
  /** Labels besides the common ones. */
  labels?: string[];
  /** The figures there are, each with its own labels' values. */
  read: (measured: Measured) => { value: UInt64Value | undefined; labels?: string[] }[];
}

const { COUNTER, GAUGE } = MetricType;
const nanosecondsPerSecond = 1_000_000_000n;

/** The names are cAdvisor's, which dashboards know. */
const kinds: readonly MetricKind[] = [
  {
    name: "container_cpu_usage_seconds_total",
    help: "Processor time used, in whole seconds",
    type: COUNTER,
    read: ({ cpu }) => [{ value: inSeconds(cpu?.usageCoreNanoSeconds) }],
  },
  memoryKind("container_memory_usage_bytes", "Memory used, page cache included", "usageBytes"),
  memoryKind("container_memory_working_set_bytes", "Memory used, without what the kernel gives back at once", "workingSetBytes"),
  memoryKind("container_memory_rss", "Anonymous memory and swap cache", "rssBytes"),
  {
    name: "container_memory_failures_total",
    help: "Page faults",
    type: COUNTER,
    labels: ["failure_type", "scope"],
    read: ({ memory }) => [
      { value: memory?.pageFaults, labels: ["pgfault", "hierarchy"] },
      { value: memory?.majorPageFaults, labels: ["pgmajfault", "hierarchy"] },
    ],
  },
  {
    name: "container_memory_swap",
    help: "Swap used, in bytes",
    type: GAUGE,
    read: ({ swapBytes }) => [{ value: swapBytes }],
  },
  {
    name: "container_fs_usage_bytes",
    help: "Bytes written into the container's own layer",
    type: GAUGE,
    read: ({ writtenBytes }) => [{ value: writtenBytes }],
  },
  { name: "container_processes", help: "Processes", type: GAUGE, read: ({ processes }) => [{ value: processes }] },
  networkKind("container_network_receive_bytes_total", "Bytes received", "rxBytes"),
  networkKind("container_network_receive_errors_total", "Errors while receiving", "rxErrors"),
  networkKind("container_network_transmit_bytes_total", "Bytes sent", "txBytes"),
  networkKind("container_network_transmit_errors_total", "Errors while sending", "txErrors"),
];

function memoryKind(name: string, help: string, key: "usageBytes" | "workingSetBytes" | "rssBytes"): MetricKind {
  return { name, help: `${help}, in bytes`, type: GAUGE, read: ({ memory }) => [{ value: memory?.[key] }] };
}

function networkKind(name: string, help: string, key: "rxBytes" | "rxErrors" | "txBytes" | "txErrors"): MetricKind {
  return {
    name,
    help,
    type: COUNTER,
    labels: ["interface"],
    read: ({ interfaces = [] }) => interfaces.map((each) => ({ value: each[key], labels: [each.name] })),
  };
}

function inSeconds(time: UInt64Value | undefined): UInt64Value | undefined {
  return time && { ...time, value: time.value / nanosecondsPerSecond };
}

/** What there is, before anything is measured: the kubelet asks once. */
export function metricDescriptors(): MessageInitShape<typeof MetricDescriptorSchema>[] {
  return kinds.map(({ name, help, labels = [] }) => ({ name, help, labelKeys: [...commonLabels, ...labels] }));
}

/** The figures of a pod and of its containers, whose images are given by their ids. */
export function podMetrics(
  { attributes, linux }: PodSandboxStats,
  imageOf: (containerId: string) => string,
): MessageInitShape<typeof PodSandboxMetricsSchema> {
  const id = attributes?.id ?? "";
  const { name: pod = "", namespace = "" } = attributes?.metadata ?? {};
  const timestamp = linux?.cpu?.timestamp ?? 0n;
  const { network } = linux ?? {};
  return {
    podSandboxId: id,
    metrics: figures([id, "", "", namespace, pod, ""], {
      timestamp,
      cpu: linux?.cpu,
      memory: linux?.memory,
      processes: linux?.process?.processCount,
      interfaces: [...(network?.defaultInterface ? [network.defaultInterface] : []), ...(network?.interfaces ?? [])],
    }),
    containerMetrics: (linux?.containers ?? []).map((one) => {
      const containerId = one.attributes?.id ?? "";
      const name = one.attributes?.metadata?.name ?? "";
      return {
        containerId,
        metrics: figures([containerId, name, imageOf(containerId), namespace, pod, name], ofContainer(one, timestamp)),
      };
    }),
  };
}

function ofContainer({ cpu, memory, swap, writableLayer }: ContainerStats, timestamp: bigint): Measured {
  return { timestamp, cpu, memory, swapBytes: swap?.swapUsageBytes, writtenBytes: writableLayer?.usedBytes };
}

function figures(common: string[], measured: Measured): MessageInitShape<typeof MetricSchema>[] {
  const { timestamp } = measured;
  return kinds.flatMap(({ name, type, read }) =>
    read(measured).flatMap(({ value, labels = [] }) =>
      value === undefined ? [] : [{ name, timestamp, metricType: type, labelValues: [...common, ...labels], value }],
    ),
  );
}
