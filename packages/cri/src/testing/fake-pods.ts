import type { InterfaceUsage, PodConfig, PodGroupUsage, PodRecord, PodResources } from "@pouchcontainer/engine";
import { alreadyExists, failedPrecondition, notFound } from "@pouchcontainer/errors";
import type { CriPods, PodCallDeps } from "../pods/pod-call-deps.ts";

/** Pods in memory, which do nothing; what they were asked is kept. */
export class FakePods implements CriPods {
  readonly records = new Map<string, PodRecord>();
  readonly stopped: string[] = [];
  readonly updates: { id: string; resources?: PodResources; overhead?: PodResources }[] = [];
  used: { group?: PodGroupUsage; interfaces: InterfaceUsage[] } = { interfaces: [] };

  async run(config: PodConfig, { signal, trace = [] }: Parameters<CriPods["run"]>[1] = {}): Promise<PodRecord> {
    signal?.throwIfAborted();
    const { name } = config.metadata;
    if ([...this.records.values()].some((pod) => pod.config.metadata.name === name)) throw alreadyExists(`${name} is reserved`);
    const id = String(this.records.size + 1).padEnd(64, "a");
    const pod: PodRecord = {
      id,
      config,
      created: "2026-01-02T03:04:05.000000006Z",
      state: "ready",
      boot: "this",
      ips: config.namespaces.network === "pod" ? ["192.0.2.7", "fd00::7"] : [],
      groups: [],
      ...(trace.length > 0 && { trace }),
    };
    this.records.set(id, pod);
    return pod;
  }

  async stop(ref: string): Promise<void> {
    const pod = this.find(ref);
    if (pod === undefined) return;
    this.stopped.push(pod.id);
    this.records.set(pod.id, { ...pod, state: "notReady" });
  }

  async remove(ref: string): Promise<void> {
    await this.stop(ref);
    this.records.delete(this.find(ref)?.id ?? "");
  }

  find(ref: string): PodRecord | undefined {
    return ref === "" ? undefined : [...this.records.values()].find(({ id }) => id.startsWith(ref));
  }

  get(ref: string): PodRecord {
    const pod = this.find(ref);
    if (pod === undefined) throw notFound(`no such pod: ${ref}`);
    return pod;
  }

  requireReady(ref: string): PodRecord {
    const pod = this.get(ref);
    if (pod.state !== "ready") throw failedPrecondition(`pod ${ref} is not ready`);
    return pod;
  }

  list({ id = "", state, labels = {} }: Parameters<CriPods["list"]>[0] = {}): PodRecord[] {
    return [...this.records.values()].filter(
      (pod) =>
        pod.id.startsWith(id) &&
        (state === undefined || pod.state === state) &&
        Object.entries(labels).every(([key, value]) => pod.config.labels[key] === value),
    );
  }

  async updateResources(ref: string, limits: { resources?: PodResources; overhead?: PodResources }): Promise<void> {
    this.updates.push({ id: this.requireReady(ref).id, ...limits });
  }

  async usage() {
    return this.used;
  }
}

export function podDeps(pods: CriPods, more: Partial<PodCallDeps> = {}): PodCallDeps {
  return {
    pods,
    containers: { statusesIn: async () => [], statsIn: async () => [] },
    handlers: ["", "runc"],
    cgroupDriver: "cgroupfs",
    preRunPodSandbox: async (config) => config,
    traceOf: () => [],
    streaming: { portForwardUrl: ({ podSandboxId, ports }) => `http://127.0.0.1/${podSandboxId}/${ports.join()}` },
    now: () => 1_000_000_000n,
    ...more,
  };
}
