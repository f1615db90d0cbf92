import { alreadyExists, cancelled } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import { rfc3339Nano } from "../containers/clock.ts";
import { keptCalls } from "../plugin-host/kept-calls.ts";
import type { TraceEntry } from "../plugin-host/trace.ts";
import { checkPodConfig } from "./check-pod-config.ts";
import { forgetLater, forgetPod } from "./forget-pod.ts";
import { askPlugins } from "./network/ask-plugins.ts";
import { podAddresses } from "./network/pod-addresses.ts";
import { podName, type PodConfig } from "./pod-config.ts";
import { writePodFiles } from "./pod-files.ts";
import { podPaths } from "./pod-paths.ts";
import type { PodAttachment, PodRecord } from "./pod-record.ts";
import { publishPodEvent } from "./publish-pod-event.ts";
import { freeName, type PodRoom } from "./pod-room.ts";

export interface RunOptions {
  /** Cancels it. */
  signal?: AbortSignal;
  /** Calls of plugins that shaped the configuration; those that shape the network come to them. */
  trace?: TraceEntry[];
}

/**
 * Makes a pod and waits until containers can be put into it. The record is durable before anything is made, with what the network's
 * plugins are going to be asked; a failure takes everything back, and what could not be taken back is tried again.
 */
export async function runPod(room: PodRoom, asked: PodConfig, options: RunOptions = {}): Promise<PodRecord> {
  const { deps } = room;
  checkPodConfig(asked, deps.cgroupDriver);
  const id = randomBytes(32).toString("hex");
  reserveName(room, id, asked);
  const { signal, trace = [] } = options;
  return await room.locks.run(id, async () => {
    let record: PodRecord | undefined;
    try {
      const planning = await plan(room, id, asked, { ...options, trace });
      // Others may have come in the meantime: what they claim is looked at in the tick in which this one's is stored.
      record = planned(room, id, planning, trace);
      await deps.records.put(id, record);
      const made = await make(room, record, signal);
      await deps.records.put(id, made);
      deps.chains.adoptTrace({ id, name: podName(asked) }, trace);
      for (const action of ["create", "start"] as const) publishPodEvent(deps.events, made, action);
      return made;
    } catch (error) {
      freeName(room, { id, config: asked });
      deps.chains.forgetTrace(id);
      if (record !== undefined) await undo(room, record);
      throw error;
    }
  });
}

function reserveName({ names }: PodRoom, id: string, config: PodConfig): void {
  const name = podName(config);
  const holder = names.get(name);
  if (holder !== undefined) throw alreadyExists(`the pod name "${name}" is reserved for ${holder}`);
  names.set(name, id);
}

type Planning = { config: PodConfig; attachment?: PodAttachment };

/** What the pod is to be after all plugins; nothing is allocated. */
async function plan({ deps }: PodRoom, id: string, config: PodConfig, options: RunOptions): Promise<Planning> {
  if (config.namespaces.network !== "pod") return { config };
  const attachment = deps.network.plan(id, config, podPaths(deps.roots, id).network);
  const { signal, trace: calls = [] } = options;
  const context = {
    containerId: id,
    containerName: podName(config),
    labels: config.labels,
    env: [],
    calls,
    ...(signal && { signal }),
  };
  deps.chains.adoptTrace({ id, name: context.containerName }, calls);
  const place = await askPlugins(deps.chains, { attachment, config }, context);
  if (place.config !== config) checkPodConfig(place.config, deps.cgroupDriver);
  return place;
}

function planned({ deps }: PodRoom, id: string, { config, attachment }: Planning, trace: TraceEntry[]): PodRecord {
  const claimed = new Set([...deps.records.values()].flatMap(({ groups }) => groups));
  return {
    id,
    config,
    created: rfc3339Nano(deps.clock.now()),
    state: "making",
    boot: deps.boot,
    ...(attachment && { network: attachment }),
    ips: [],
    groups: deps.kernel.groupsToOwn(config, claimed),
    ...(trace.length > 0 && { trace: keptCalls(trace) }),
  };
}

async function make({ deps }: PodRoom, record: PodRecord, signal: AbortSignal | undefined): Promise<PodRecord> {
  refuseCancelled(signal);
  const { init } = await deps.kernel.make(record);
  await writePodFiles(record.config, podPaths(deps.roots, record.id), {
    root: deps.hostRoot,
    warn: (message) => deps.log.warn(message),
  });
  refuseCancelled(signal);
  const result = record.network && (await deps.network.attach(record.network, signal));
  const ips = result ? podAddresses(result) : [];
  refuseCancelled(signal);
  return {
    ...record,
    ...(init && { init }),
    ...(record.network && result && { network: { ...record.network, result } }),
    ips,
    state: "ready",
  };
}

function refuseCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled("the making of the pod was cancelled", { cause: signal.reason });
}

/** What is told is why the pod could not be made. */
async function undo(room: PodRoom, record: PodRecord): Promise<void> {
  try {
    await forgetPod(room, record);
  } catch (error) {
    const { log } = room.deps;
    log.warn("what was made of a pod cannot be taken back yet", { pod: record.id, error: String(error) });
    inBackground("taking back what was made of a pod", () => forgetLater(room, record));
  }
}
