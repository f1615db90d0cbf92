export { ContainerManager } from "./container-manager.ts";
export type { ContainerDeps, ContainerLogger, ContainerVolumes, RuntimeChoice } from "./container-deps.ts";
export type { ContainerRecord } from "./container-record.ts";
export { parseRfc3339, systemClock, type Clock } from "./clock.ts";
export { checkLogDefaults } from "./config/check-log-defaults.ts";
export type { ConfigSettings } from "./config/index.ts";
export { hostDevices, hostFacts, type HostDevices, type HostFacts, type SpecSettings } from "./spec/index.ts";
export { FifoKeeper, type FifoKeeperDeps } from "./stdio/fifo-keeper.ts";
export type { StdioDeps } from "./stdio/process-stdio.ts";
