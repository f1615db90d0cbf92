import { invalidArgument } from "@pouchcontainer/errors";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { isObject, type PluginInstance } from "@pouchcontainer/plugin-sdk/host";

/** The file of a policy that is no package. */
export const policyFile = "policy.json";

/** Whether what stands in a plugin's package.json or policy.json makes it a plugin without code. */
export function isPolicy(packageJson: unknown): packageJson is { policy: unknown } {
  return isObject(packageJson) && packageJson["policy"] !== undefined;
}

/** Compiles a policy. CEL is loaded for the first: most daemons have none. */
export async function loadPolicy(
  manifest: PluginManifest,
  { policy }: { policy: unknown },
  configuration?: Record<string, unknown>,
): Promise<PluginInstance> {
  if (manifest.command !== undefined)
    throw invalidArgument(`policy "${manifest.name}": it runs no command, leave out pouch.command`);
  if (manifest.sharedProcess !== undefined)
    throw invalidArgument(`policy "${manifest.name}": it runs in no process, leave out pouch.sharedProcess`);
  const { PolicyPlugin } = await import("./policy-plugin.ts");
  return new PolicyPlugin(manifest, policy, configuration);
}
