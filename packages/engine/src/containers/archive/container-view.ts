import { internal } from "@pouchcontainer/errors";
import { ProcessGone, type Bind, type FileView } from "@pouchcontainer/files";
import { setTimeout as delay } from "node:timers/promises";
import type { Container } from "../container.ts";
import type { ContainerRoom } from "../container-room.ts";
import { settleAll } from "../../settle-all.ts";

/** How long the exit of a process that is gone may take to be told. */
const settledWithinMs = 10_000;

export interface ViewOptions {
  /** Without volumes and other mounts. */
  layersOnly: boolean;
}

/**
 * Lets `use` work on a container's files, through its process while that runs. Otherwise they are put together for it, and as
 * long as it works the container can neither start nor be removed: a snapshot must not be mounted a second time, nor go away. An
 * exit in between is waited for, and `use` begins again: it must not have done anything when it finds the process gone.
 */
export async function withContainerView<T>(
  room: ContainerRoom,
  container: Container,
  options: ViewOptions,
  use: (view: FileView) => Promise<T>,
): Promise<T> {
  for (;;) {
    if (!container.isRunning) {
      const done = await container.lock.run(() => useStopped(room, container, options, use));
      if (done) return done.value;
      continue;
    }
    const { run } = container;
    try {
      return await use(processView(container, options));
    } catch (error) {
      if (!(error instanceof ProcessGone)) throw error;
      const settled = await Promise.race([run?.settled.promise.then(() => true), delay(settledWithinMs, false, { ref: false })]);
      if (!settled)
        throw internal(`container ${container.id} has no process any more, and its exit was not told`, { cause: error });
    }
  }
}

/** The same for who holds the container's lock already. */
export async function viewOfLocked<T>(
  room: ContainerRoom,
  container: Container,
  use: (view: FileView) => Promise<T>,
): Promise<T> {
  if (!container.isRunning) {
    const done = await useStopped(room, container, { layersOnly: false }, use);
    if (done) return done.value;
  }
  return use(processView(container, { layersOnly: false }));
}

const processView = (container: Container, options: ViewOptions): FileView => ({
  kind: "process",
  pid: container.state.pid,
  containerId: container.id,
  ...options,
});

/** Undefined when it was started before its turn came. */
async function useStopped<T>(
  room: ContainerRoom,
  container: Container,
  options: ViewOptions,
  use: (view: FileView) => Promise<T>,
): Promise<{ value: T } | undefined> {
  // First: the end of a run that began meanwhile would be waited for with its container's lock held.
  if (container.isRunning) return undefined;
  await container.run?.finished.promise;
  const { deps } = room;
  const { record } = container;
  const mounts = await deps.containerd.snapshots(record.snapshotter).mounts(container.id);
  const parts = [{ place: "/", mounts }];
  if (options.layersOnly) return { value: await use({ kind: "assembled", parts, binds: [] }) };
  const volumes = record.mountPoints.flatMap(({ type, name, destination, rw, propagation }) =>
    type === "volume" && name !== undefined ? [{ name, containerId: container.id, destination, rw, propagation }] : [],
  );
  try {
    for (const { name, ...place } of volumes) await deps.volumes.mount(name, place);
    return { value: await use({ kind: "assembled", parts, binds: bindsOf(container) }) };
  } finally {
    await settleAll(volumes.map(({ name, ...place }) => deps.volumes.unmount(name, place)));
  }
}

/** What a start would mount, in the order it would: the files of its network among them, where a start has made them. */
function bindsOf({ record }: Container): Bind[] {
  const ofNetwork = [
    { source: record.hostnamePath, destination: "/etc/hostname" },
    { source: record.hostsPath, destination: "/etc/hosts" },
    { source: record.resolvConfPath, destination: "/etc/resolv.conf" },
  ].filter(({ source, destination }) => source !== "" && !record.mountPoints.some((mount) => mount.destination === destination));
  const readOnly = record.hostConfig.ReadonlyRootfs ?? false;
  return [
    ...record.mountPoints
      .filter(({ source }) => source !== "")
      .map(({ source, destination, rw }) => ({ source, destination, readOnly: !rw })),
    ...ofNetwork.map((bind) => ({ ...bind, readOnly })),
  ].toSorted((one, other) => one.destination.length - other.destination.length);
}
