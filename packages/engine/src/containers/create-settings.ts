import type { ConfigSettings } from "./config/index.ts";
import type { ContainerDeps } from "./container-deps.ts";

/** What the configuration contributes to a create: to one over CRI no least limit of memory, which is Docker's own. */
export function settingsOf({ configSettings }: Pick<ContainerDeps, "configSettings">, overCri: boolean): ConfigSettings {
  return overCri ? { ...configSettings, leastMemoryBytes: 0 } : configSettings;
}
