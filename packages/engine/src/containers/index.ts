export { ContainerManager } from "./container-manager.ts";
export type { ContainerDeps, ContainerLogger, ContainerVolumes, RuntimeChoice } from "./container-deps.ts";
export { isPromisedGone, type ContainerRecord } from "./container-record.ts";
export type { ContainerState, ContainerStatus, MountPointRecord } from "./container-record.ts";
export type { CreateOrigin } from "./create-container.ts";
export type { CriIdentity, CriMount, CriSettings, HugepageLimit, ImageVolume } from "./cri-settings.ts";
export { sharesPids, type PodMembership } from "./pod-membership.ts";
export { parseRfc3339, systemClock, type Clock } from "./clock.ts";
export { checkLogDefaults } from "./config/check-log-defaults.ts";
export { decodeUpdate } from "./config/index.ts";
export type { ConfigSettings } from "./config/index.ts";
export {
  defaultApparmorProfile,
  hostDevices,
  hostFacts,
  readsOnlyRecursively,
  type HostDevices,
  type HostFacts,
  type SpecSettings,
} from "./spec/index.ts";
export type { RemoveOptions } from "./container-room.ts";
export type { StopOptions } from "./stop-container.ts";
export type { ContainerResources } from "./update-resources.ts";
export { FifoKeeper, type FifoKeeperDeps } from "./stdio/fifo-keeper.ts";
export type { StdioDeps } from "./stdio/process-stdio.ts";
