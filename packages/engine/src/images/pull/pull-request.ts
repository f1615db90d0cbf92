import type { Descriptor } from "@pouchcontainer/containerd";
import type { NamingDefaults, Platform, Reference } from "@pouchcontainer/oci";
import type { PluginChains } from "../../plugin-host/chains.ts";
import type { ImageServices } from "../containerd-services.ts";
import type { ImageEvents } from "../image-events.ts";
import type { Leases } from "../lease.ts";
import type { RegistryCredentials } from "../../registry/credentials.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Clock } from "../../registry/retry.ts";
import type { ImageDocuments } from "../store/image-documents.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { Unpacker } from "../unpack-image.ts";
import type { BlobFetcher } from "./blob-fetcher.ts";

export interface PullRequest {
  /** With a tag, a digest, or both (then the digest counts); with neither it stands for all tags. */
  reference: Reference;
  platform: Platform;
  credentials: RegistryCredentials | undefined;
}

export interface PullDeps {
  containerd: ImageServices;
  store: ImageStore;
  unpacker: Unpacker;
  blobs: BlobFetcher;
  chains: Pick<PluginChains, "postPull">;
  events: ImageEvents;
  naming: NamingDefaults;
  snapshotter: string;
  clock: Clock;
  leases: Leases;
  /** A client for the reference's repository, and how to let go of its connections. */
  connect(request: PullRequest): Promise<{ client: RegistryClient; close(): void }>;
}

/** An image whose documents are in the content store. */
export interface FetchedImage extends ImageDocuments {
  /** What the tag stands for: the manifest, or the index it is in. */
  target: Descriptor;
}
