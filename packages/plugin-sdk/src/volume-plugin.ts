import type { Volume, VolumeCreateConfig } from "@pouchcontainer/api";
import type { Awaitable, PluginCall, ValidateCall } from "./plugin-call.ts";

/** Points in the life of a volume. */
export interface VolumePlugin {
  /**
   * Every volume create, those by `-v name:/x` and by an image's VOLUME included. Name, driver, options and labels may be
   * changed, in place or by returning another config. A throw fails the create and leaves nothing behind.
   */
  preVolumeCreate?(config: VolumeCreateConfig, call: PluginCall): Awaitable<VolumeCreateConfig | void>;
  /** After the last `preVolumeCreate`: throw to refuse the final config, or who changed what of it. Both are frozen. */
  validateVolumeCreate?(config: Readonly<VolumeCreateConfig>, call: ValidateCall): Awaitable<void>;
  /**
   * Every removal of a volume that somebody asks for, by a prune too; not of the anonymous ones that go with their container. A throw refuses it;
   * nothing was touched.
   */
  preRemove?(volume: Readonly<Volume>, call: PluginCall): Awaitable<void>;
}
