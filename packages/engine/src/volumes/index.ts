export { prepareBindSources, realiseMounts } from "./realise-mounts.ts";
export type { RealisedMounts } from "./realise-mounts.ts";
export { VolumeManager } from "./volume-manager.ts";
export type { VolumeHolder, VolumeManagerDeps } from "./volume-manager.ts";
export { systemMounter } from "./volume-mounter.ts";
export type { VolumeMounter } from "./volume-mounter.ts";
export type { VolumeRecord } from "./volume-record.ts";
