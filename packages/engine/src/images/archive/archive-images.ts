import type { Descriptor } from "@pouchcontainer/containerd";
import type { ImageServices } from "../containerd-services.ts";
import type { Lease } from "../lease.ts";
import type { ImageDocuments } from "../store/image-documents.ts";

/** An image an archive has, its documents in the content store. */
export interface ArchiveImage extends ImageDocuments {
  target: Descriptor;
  /** As the archive has them, not parsed yet. */
  names: string[];
}

export interface ArchiveDeps {
  content: ImageServices["content"];
  lease: Lease;
  signal: AbortSignal;
}
