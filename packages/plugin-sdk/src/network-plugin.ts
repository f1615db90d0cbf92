import type { NetworkCreateConfig } from "@pouchcontainer/api";
import type { Awaitable, PluginCall } from "./plugin-call.ts";

/** Points in the life of a network of the daemon's own; networks of pods are CNI's. */
export interface NetworkPlugin {
  /**
   * Every network create, before anything of it is chosen; the predefined networks are nobody's request. Name, driver, addresses, options and labels
   * may be changed, in place or by returning another config. A throw fails the create and leaves nothing behind.
   */
  preCreate?(config: NetworkCreateConfig, call: PluginCall): Awaitable<NetworkCreateConfig | void>;
}
