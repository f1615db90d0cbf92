import type { ImageService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ImageDeps } from "./image-deps.ts";

/**
 * What snapshots take, measured: layers of images and what containers wrote lie on one file system, so that both of CRI's lists
 * have the one entry.
 */
export function imageFsInfo({ images, snapshotsFolder }: ImageDeps): Handler<typeof ImageService.method.imageFsInfo> {
  return async () => {
    const [{ bytes, inodes, measuredAt }, mountpoint] = await Promise.all([images.snapshotTotals(), snapshotsFolder()]);
    const usage = {
      timestamp: BigInt(measuredAt) * 1_000_000n,
      fsId: { mountpoint },
      usedBytes: { value: BigInt(bytes) },
      inodesUsed: { value: BigInt(inodes) },
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  };
}
