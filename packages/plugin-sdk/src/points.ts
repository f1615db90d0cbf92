import type { ApiPlugin } from "./api-plugin.ts";
import type { ContainerPlugin } from "./container-plugin.ts";
import type { CriPlugin } from "./cri-plugin.ts";
import type { DaemonPlugin } from "./daemon-plugin.ts";
import type { ImagePlugin } from "./image-plugin.ts";
import type { VolumePlugin } from "./volume-plugin.ts";

/** The interface of each kind. */
export interface PluginKinds {
  container: ContainerPlugin;
  daemon: DaemonPlugin;
  volume: VolumePlugin;
  cri: CriPlugin;
  api: ApiPlugin;
  image: ImagePlugin;
}

/** One of the six kinds of plugin. */
export type PluginKind = keyof PluginKinds;

/** `kind.method` for every method of every kind. */
export type PointName = { [K in PluginKind]: `${K}.${keyof PluginKinds[K] & string}` }[PluginKind];

/** All points. The order is that of a container's life, for lists shown to people. */
export const pointNames = [
  "daemon.preStartHook",
  "daemon.preStopHook",
  "api.updateHandler",
  "image.postPull",
  "volume.preVolumeCreate",
  "volume.validateVolumeCreate",
  "cri.preRunPodSandbox",
  "cri.preCreateContainer",
  "container.preCreate",
  "container.validateCreate",
  "container.preStart",
  "container.preCreateEndpoint",
  "container.preUpdate",
  "container.postUpdate",
] as const satisfies readonly PointName[];

/** All kinds. */
export const pluginKinds = ["container", "daemon", "volume", "cri", "api", "image"] as const satisfies readonly PluginKind[];

/** Milliseconds a plugin has at a point when its manifest does not say. */
export function defaultTimeoutMs(point: PointName): number {
  return point.startsWith("daemon.") ? 60_000 : 10_000;
}

/** The kind and the method of a point. */
export function splitPoint(point: PointName): { kind: PluginKind; method: string } {
  const dot = point.indexOf(".");
  // PointName is `${PluginKind}.${string}` by its definition.
  return { kind: point.slice(0, dot) as PluginKind, method: point.slice(dot + 1) };
}
