import type { ApiPlugin } from "./api-plugin.ts";
import type { ContainerPlugin } from "./container-plugin.ts";
import type { CriPlugin } from "./cri-plugin.ts";
import type { DaemonPlugin } from "./daemon-plugin.ts";
import type { ImagePlugin } from "./image-plugin.ts";
import type { NetworkPlugin } from "./network-plugin.ts";
import { register } from "./registration.ts";
import type { VolumePlugin } from "./volume-plugin.ts";

/** Registers the plugin's container points. Call it at the top level of the plugin's module; several calls add up. */
export function registerContainerPlugin(plugin: ContainerPlugin): void {
  register({ kind: "container", plugin });
}

/** Registers the plugin's daemon points. */
export function registerDaemonPlugin(plugin: DaemonPlugin): void {
  register({ kind: "daemon", plugin });
}

/** Registers the plugin's volume points. */
export function registerVolumePlugin(plugin: VolumePlugin): void {
  register({ kind: "volume", plugin });
}

/** Registers the plugin's CRI points. */
export function registerCriPlugin(plugin: CriPlugin): void {
  register({ kind: "cri", plugin });
}

/** Registers the plugin's HTTP API points. */
export function registerApiPlugin(plugin: ApiPlugin): void {
  register({ kind: "api", plugin });
}

/** Registers the plugin's image points. */
export function registerImagePlugin(plugin: ImagePlugin): void {
  register({ kind: "image", plugin });
}

/** Registers the plugin's network points. */
export function registerNetworkPlugin(plugin: NetworkPlugin): void {
  register({ kind: "network", plugin });
}
