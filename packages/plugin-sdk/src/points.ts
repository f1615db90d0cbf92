import type { ApiPlugin } from "./api-plugin.ts";
import type { ContainerPlugin } from "./container-plugin.ts";
import type { CriPlugin } from "./cri-plugin.ts";
import type { DaemonPlugin } from "./daemon-plugin.ts";
import type { ImagePlugin } from "./image-plugin.ts";
import type { NetworkPlugin } from "./network-plugin.ts";
import type { VolumePlugin } from "./volume-plugin.ts";

/** The interface of each kind. */
export interface PluginKinds {
  container: ContainerPlugin;
  daemon: DaemonPlugin;
  volume: VolumePlugin;
  cri: CriPlugin;
  api: ApiPlugin;
  image: ImagePlugin;
  network: NetworkPlugin;
}

/** One of the kinds of plugin. */
export type PluginKind = keyof PluginKinds;

/** `kind.method` for every method of every kind. */
export type PointName = { [K in PluginKind]: `${K}.${keyof PluginKinds[K] & string}` }[PluginKind];

/** The method of a point in the interface of its kind. */
export type PointMethod<P extends PointName> = P extends `${infer K extends PluginKind}.${infer M}`
  ? Extract<PluginKinds[K][M & keyof PluginKinds[K]], (...args: never[]) => unknown>
  : never;

/** What a plugin is given at a point, before the `call`. */
export type PointArguments<P extends PointName> = Parameters<PointMethod<P>> extends [...infer A, unknown] ? A : never;

/** What a plugin may return at a point. */
export type PointReturn<P extends PointName> = Exclude<Awaited<ReturnType<PointMethod<P>>>, void>;

/** All kinds. */
export const pluginKinds = [
  "container",
  "daemon",
  "volume",
  "cri",
  "api",
  "image",
  "network",
] as const satisfies readonly PluginKind[];

/** The kind and the method of a point. */
export function splitPoint(point: PointName): { kind: PluginKind; method: string } {
  const dot = point.indexOf(".");
  // PointName is `${PluginKind}.${string}` by its definition.
  return { kind: point.slice(0, dot) as PluginKind, method: point.slice(dot + 1) };
}
