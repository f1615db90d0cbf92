import type { HandlerSpec } from "@pouchcontainer/api";
import type { Awaitable, PluginCall } from "./plugin-call.ts";

/** The HTTP API as a table that a plugin may change. */
export interface ApiPlugin {
  /**
   * Called when the server builds its route table: at start, and again when the plugin set changes. Receives the whole table;
   * returns the one to use (or changes the array in place): add, remove, wrap, replace. `/_ping` and the plugin
   * administration routes have to stay as they are; two specs with one method and path are an error.
   */
  updateHandler?(handlers: HandlerSpec[], call: PluginCall): Awaitable<HandlerSpec[] | void>;
}
