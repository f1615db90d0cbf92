import type { NamingDefaults, Platform, Reference } from "@pouchcontainer/oci";
import type { PluginChains } from "../../plugin-host/chains.ts";
import type { KeyedMutex } from "../../keyed-mutex.ts";
import type { RegistryCredentials } from "../../registry/credentials.ts";
import type { OpenedRepository } from "../../registry/open-repository.ts";
import type { Clock } from "../../registry/retry.ts";
import type { ImageServices } from "../containerd-services.ts";
import type { ImageEvents } from "../image-events.ts";
import type { Leases } from "../lease.ts";
import type { Semaphore } from "../../semaphore.ts";
import type { ImageStore } from "../store/image-store.ts";

export interface PushRequest {
  /** With a tag; without one it stands for all tags that are here. */
  reference: Reference;
  /** Of an image for several platforms the one to push. Default: all of them, if they are here. */
  platform: Platform | undefined;
  credentials: RegistryCredentials | undefined;
}

export interface PushDeps {
  containerd: ImageServices;
  chains: Pick<PluginChains, "ask">;
  store: ImageStore;
  events: ImageEvents;
  naming: NamingDefaults;
  clock: Clock;
  leases: Leases;
  /** An image's removal waits for who gives it a name. */
  removals: KeyedMutex;
  /** Shared by all pushes: how many layers are uploaded at once. */
  places: Semaphore;
  connect(request: PushRequest): Promise<OpenedRepository>;
}
