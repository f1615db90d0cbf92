import type { ImageView, ProgressSink, SnapshotTotals } from "@pouchcontainer/engine";

/** How to prove to a registry who asks; Docker's names. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** What CRI's image calls ask of the engine. */
export interface CriImages {
  views(): ImageView[];
  view(reference: string): ImageView | undefined;
  pull(
    request: { reference: string; tag?: string; auth?: RegistryAuth },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
  remove(reference: string, options: { force: boolean; noPrune: boolean }): Promise<unknown>;
  snapshotTotals(): Promise<SnapshotTotals>;
}

export interface ImageDeps {
  images: CriImages;
  /** Whether the kubelet must not collect the image, however full the disk is. */
  isPinned: (image: ImageView) => boolean;
  /** The folder snapshots lie in: the kubelet finds the file system by it. */
  snapshotsFolder: () => Promise<string>;
  /** How long a pull may stand still, in milliseconds; default five minutes, as containerd has it. */
  pullProgressTimeoutMs?: number;
}
