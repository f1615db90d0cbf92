import type * as api from "@pouchcontainer/api";
import { conflict, EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { applyUpdate } from "./config/index.ts";
import type { RootfsLender } from "../plugin-host/chains.ts";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerRoom } from "./container-room.ts";
import { viewOfLocked } from "./archive/container-view.ts";
import { inDoubt, isUnanswered } from "./in-doubt.ts";
import { chainContext } from "./network-view.ts";
import { isProcessGone } from "./process-gone.ts";
import { refuseGone } from "./refuse-gone.ts";
import { criResources, toUpdateResources } from "./spec/index.ts";

/** What an update has besides its body. */
export interface UpdateExtension {
  /** Least limit of memory. Default: Docker's. */
  leastMemoryBytes?: number;
  /** What changes too, given the record as the body has changed it. */
  more?(record: ContainerRecord): Pick<ContainerRecord, "hostConfig" | "cri">;
}

/** Changes limits of a container, running or not. Plugins see the body before it is decoded and the result after it took effect. */
export async function updateContainer(
  room: ContainerRoom,
  container: Container,
  body: Readable,
  also: UpdateExtension = {},
): Promise<api.ContainerUpdateResponse> {
  const { deps } = room;
  refuseGone(container, `Cannot update container ${container.id}: container is marked for removal and cannot be "update"`);
  const translated = await deps.chains.preUpdate(body, chainContext(container.record));
  const update = deps.decodeUpdate(parse(await buffer(translated)));
  if (container.record.pod && update.RestartPolicy?.Name && update.RestartPolicy.Name !== "no")
    throw conflict(
      `container ${container.id} belongs to a pod, whose maker decides what is started again: it takes no restart policy`,
    );
  const { warnings } = await told(container, async () => {
    const applied = applyUpdate(container.record.hostConfig, update, deps.facts, also.leastMemoryBytes);
    const change = { hostConfig: applied.hostConfig, config: updatedConfig(container.record, update) };
    await putInForce(room, container, { ...change, ...also.more?.({ ...container.record, ...change }) });
    return applied;
  });
  publishContainerEvent(deps.events, container.record, "update");
  await tellPlugins(room, container);
  return { Warnings: warnings.length > 0 ? warnings : null };
}

/** Recorded first: on a full disk nothing has changed then. */
async function putInForce(
  room: ContainerRoom,
  container: Container,
  change: Pick<ContainerRecord, "hostConfig" | "config" | "cri">,
): Promise<void> {
  const { hostConfig, config, cri = {} } = container.record;
  const before = { hostConfig, config, ...(change.cri ? { cri } : {}) };
  await container.changeIfStored({ ...change, ...(container.isRunning ? { updating: before } : {}) });
  await finishUpdate(room, container);
}

/**
 * Puts what the record says in force, where that was begun: now, or by a daemon that was killed. What the runtime refuses is not what the
 * record says afterwards.
 */
export async function finishUpdate(room: ContainerRoom, container: Container): Promise<void> {
  const { deps } = room;
  const { updating, hostConfig, cri } = container.record;
  if (!updating) return;
  try {
    if (container.isRunning) {
      const { cgroup } = deps.facts;
      const resources = { ...toUpdateResources(hostConfig, cgroup, deps.devices), ...criResources(cri, cgroup) };
      await inDoubt(room, container.run, "limits", () => deps.containerd.tasks.update(container.id, resources));
    }
  } catch (error) {
    // Of one that has just ended: what is recorded holds from its next start.
    if (isUnanswered(error)) throw new EngineError(EngineError.from(error).kind, unfinished(error), { cause: error });
    if (!(await isProcessGone(room, container.id, error))) {
      await container.change({ ...updating, updating: undefined });
      throw error;
    }
  }
  // Doing it twice does no harm.
  container.note({ updating: undefined });
}

/** It may have been carried out, or be so yet: taken back, it would be the record that is wrong. */
const unfinished = (error: unknown): string =>
  `${EngineError.from(error).message}; the update is recorded, and put in force as soon as there is an answer`;

/** What is wrong with the request by itself is told as it is, anything else with the container's name, as dockerd does. */
async function told<T>(container: Container, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const cause = EngineError.from(thrown);
    if (cause.kind === "invalidArgument") throw cause;
    throw new EngineError(cause.kind, `Cannot update container ${container.id}: ${cause.message}`, { cause });
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw invalidArgument(`the body of an update must be JSON: ${EngineError.from(cause).message}`, { cause });
  }
}

function updatedConfig({ config }: ContainerRecord, update: api.ContainerUpdateConfig): api.ContainerConfig {
  return {
    ...config,
    ...(update.Env ? { Env: mergedEnv(config.Env ?? [], update.Env) } : {}),
    ...(update.Label ? { Labels: { ...config.Labels, ...Object.fromEntries(update.Label.map(splitAtEquals)) } } : {}),
    ...(update.SpecAnnotation ? { SpecAnnotation: { ...config.SpecAnnotation, ...update.SpecAnnotation } } : {}),
  };
}

function splitAtEquals(text: string): [string, string] {
  const at = text.indexOf("=");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** `NAME=value` sets, `NAME` alone removes. */
function mergedEnv(env: string[], changes: string[]): string[] {
  const names = new Set(changes.map((change) => splitAtEquals(change)[0]));
  return [...env.filter((entry) => !names.has(splitAtEquals(entry)[0])), ...changes.filter((change) => change.includes("="))];
}

async function tellPlugins(room: ContainerRoom, container: Container): Promise<void> {
  const { deps } = room;
  const { record } = container;
  const env = record.config.Env ?? [];
  const files: RootfsLender = (use) => viewOfLocked(room, container, (view) => deps.files.hold(view, use));
  try {
    const told = await deps.chains.postUpdate(files, env, chainContext(record));
    if (JSON.stringify(told.env) !== JSON.stringify(env))
      await container.change({ config: { ...container.record.config, Env: told.env } });
  } catch (cause) {
    const { kind, message, details } = EngineError.from(cause);
    throw new EngineError(kind, `the update of container ${record.name} is in force, but a plugin failed after it: ${message}`, {
      cause,
      details,
    });
  }
}
