export { createImageManager, ImageManager, type ImageManagerOptions } from "./image-manager.ts";
export type { ImageConfig, ImageSource, ResolvedImage } from "./image-source.ts";
export type { ImageServices } from "./containerd-services.ts";
export type { EventSink } from "./image-events.ts";
export type { ProgressSink } from "./pull/progress.ts";
export type { ImageDiskUsage } from "./store/image-disk-usage.ts";
export type { ImageUser } from "./store/remove-image.ts";
export type { ImageView } from "./store/image-view.ts";
export type { SnapshotTotals } from "./store/snapshot-usage.ts";
