import type { PluginPrivilege } from "@pouchcontainer/api";
import { forbidden, invalidArgument } from "@pouchcontainer/errors";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { isObject } from "@pouchcontainer/plugin-sdk/host";
import type { PluginRecord } from "../plugin-record.ts";
import { isPolicy } from "../policies/index.ts";
import { missingPrivileges, privilegesAsked, privilegesOf, privilegesText, processPrivileges } from "./privileges.ts";
import { routeWarnings } from "./request-routes.ts";
import { fieldWarnings } from "./unknown-fields.ts";

/** What whoever installs a plugin grants: what is listed, or whatever it asks for. */
export type GrantedPrivileges = "all" | readonly PluginPrivilege[];

/** A package as far as permissions go. */
export interface Asking {
  manifest: PluginManifest;
  packageJson: unknown;
}

/** All that a package asks for. */
export function askedBy({ manifest, packageJson }: Asking): PluginPrivilege[] {
  return [...privilegesAsked(manifest), ...processPrivileges(packageJson)];
}

/**
 * What a plugin asks for that was not granted to it before. One that is new and asks for nothing by name needs no grant, as ever; nor does
 * a policy whose versions never did, as what it changes is read in its rules. That is no grant for code in its place.
 */
export function toBeGranted(asking: Asking, old: PluginRecord | undefined): PluginPrivilege[] {
  const { manifest, packageJson } = asking;
  const before = old?.installed;
  const wereRules = isPolicy(before?.packageJson) && before?.granted === undefined;
  const areRules = isPolicy(packageJson);
  if (manifest.permissions === undefined && (before === undefined || (areRules && before.granted === undefined))) return [];
  const granted = old?.installed === undefined || (wereRules && !areRules) ? [] : grantedTo(old);
  return missingPrivileges(askedBy(asking), granted);
}

/** What an installed plugin was granted; what its process has of the host, it has been installed with. */
export function grantedTo({ installed }: PluginRecord): readonly PluginPrivilege[] {
  return [...(installed?.granted ?? privilegesOf(undefined)), ...processPrivileges(installed?.packageJson)];
}

/** What a plugin is granted from now on: the permissions it asks for. Throws `forbidden` where that is more than it was and is being granted. */
export function grantNow(asking: Asking, old: PluginRecord | undefined, given: GrantedPrivileges): PluginPrivilege[] {
  const { name } = asking.manifest;
  const missing = given === "all" ? [] : missingPrivileges(toBeGranted(asking, old), given);
  if (missing.length > 0)
    throw forbidden(
      `plugin "${name}" asks for privileges that were not granted: ${privilegesText(missing)}; who grants them says so with --grant-all-permissions, lists them as "privileges" in the request, or writes "grantAllPermissions": true into its entry of a set`,
    );
  return privilegesAsked(asking.manifest);
}

/** What a request says is granted: `all`, or a list in Docker's shape. */
export function readPrivileges(value: unknown): GrantedPrivileges {
  if (value === undefined || value === null) return [];
  if (value === "all") return value;
  if (!Array.isArray(value) || !value.every(isPrivilege))
    throw invalidArgument('privileges must be "all" or a list of { "Name", "Value" }, as POST /plugins/privileges answers it');
  return value;
}

function isPrivilege(value: unknown): value is PluginPrivilege {
  if (!isObject(value)) return false;
  const { Name, Value } = value;
  return typeof Name === "string" && Array.isArray(Value) && Value.every((one) => typeof one === "string");
}

/** What the operator should know: of code that asks for nothing by name, of routes that are worth all, and of fields that there are not; undefined where there is nothing. */
export function warningOf(asking: Asking, observed: readonly PluginPrivilege[]): string | undefined {
  const warnings = [...ofAll(asking, observed), ...routeWarnings(asking.manifest), ...fieldWarnings(asking.manifest)];
  return warnings.length === 0 ? undefined : warnings.join("; ");
}

function ofAll({ manifest, packageJson }: Asking, observed: readonly PluginPrivilege[]): string[] {
  if (manifest.permissions !== undefined || isPolicy(packageJson)) return [];
  const needed = observed.length === 0 ? "" : `; what it did so far would need ${privilegesText(observed)}`;
  const { name, user = "root", environment } = manifest;
  const reads = environment.length === 0 ? "" : `, with ${environment.join(", ")} of the daemon's environment`;
  return [
    `plugin "${name}" has no permissions in its manifest and may do all that its points let it do, as ${user}${reads}${needed}`,
  ];
}
