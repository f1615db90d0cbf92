import { notImplemented } from "@pouchcontainer/errors";
import type { FileView, MountSource } from "@pouchcontainer/files";
import type { Readable } from "node:stream";
import type { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerRoom } from "./container-room.ts";
import { wasStarted } from "./container-record.ts";
import { containerMark, layersOf } from "./rootfs.ts";

/** Where the runtime makes places for what it mounts, or what is put there when it is created. Places of other mounts are told, as with dockerd. */
export function madeByRuntime({ record }: Container): string[] {
  if (!wasStarted(record.state)) return [`/${containerMark}`];
  const ofNetwork = record.config.DisableNetworkFiles ? [] : ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
  return [`/${containerMark}`, "/dev", "/proc", "/sys", ...ofNetwork];
}

/** What the container's own layer changes of its image, from the overlay's upper directory: a JSON list of `FilesystemChange`. */
export async function filesystemChanges(
  { deps }: ContainerRoom,
  container: Container,
  signal: AbortSignal,
): Promise<{ count: number; json: Readable }> {
  const layers = await layersApart(deps, container);
  if (layers === undefined) throw notImplemented(`changes cannot be told with snapshotter ${container.record.snapshotter}`);
  return await deps.files.changes(stackedView(layers), madeByRuntime(container), signal);
}

/** Directories of a container's own layer and of those below it; undefined where its snapshotter does not keep them apart. */
export async function layersApart(
  { containerd }: Pick<ContainerDeps, "containerd">,
  { id, record }: Container,
): Promise<{ upper: string; lower: string[] } | undefined> {
  const snapshots = containerd.snapshots(record.snapshotter);
  const [upper, ...lower] = layersOf(await snapshots.mounts(id)) ?? [];
  if (upper === undefined) return undefined;
  // One directory that began as a copy of the image's has no mark of what is gone.
  if (lower.length === 0 && (await snapshots.stat(id)).parent !== "") return undefined;
  return { upper, lower };
}

/** An overlay's layers as they lie on disk, the container's own at `/upper`, those below it at `/lower`. */
export function stackedView({ upper, lower }: { upper: string; lower: readonly string[] }): FileView {
  const parts = [
    { place: "/upper", mounts: stacked([upper]), readOnly: true },
    { place: "/lower", mounts: stacked(lower), readOnly: true },
  ];
  return { kind: "assembled", parts, binds: [] };
}

/** Layers as one tree, the uppermost first. */
function stacked(layers: readonly string[]): MountSource[] {
  const [only, ...more] = layers;
  if (only === undefined) return [];
  if (more.length === 0) return [{ type: "bind", source: only, options: ["bind"] }];
  return [{ type: "overlay", source: "overlay", options: [`lowerdir=${layers.join(":")}`] }];
}
