import { unavailable } from "@pouchcontainer/errors";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance, PluginOrigin } from "@pouchcontainer/plugin-sdk/host";

/**
 * Stands for an enabled plugin that could not be started when the daemon was. Its failure policy decides about every call: an
 * operation must not quietly run without a plugin that somebody relies on, and the daemon must come up so that it can be repaired.
 */
export class FailedPlugin implements PluginInstance {
  readonly manifest: PluginManifest;
  readonly origin: PluginOrigin;
  readonly reason: string;

  constructor(manifest: PluginManifest, origin: PluginOrigin, reason: string) {
    this.manifest = manifest;
    this.origin = origin;
    this.reason = reason;
  }

  async invoke(): Promise<never> {
    throw unavailable(this.reason);
  }

  async close(): Promise<void> {}
}
