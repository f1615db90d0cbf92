import type { PluginPermissionFacts } from "@pouchcontainer/api";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import type { PluginRecord } from "../plugin-record.ts";
import { grantedTo, warningOf } from "./granted.ts";
import type { ObservedPermissions } from "./observed-permissions.ts";
import { privilegesAsked, privilegesOf, processPrivileges } from "./privileges.ts";

/** One version of a plugin. */
export interface PermittedVersion {
  manifest: PluginManifest;
  /** None of what is compiled in. */
  record: PluginRecord | undefined;
  /** What it did since it was started. */
  observed: ObservedPermissions | undefined;
}

/** What a version asks for and was granted. `narrowed` of its manifest is what the operator's file left of it when it was started. */
export function permissionFacts({ manifest, record, observed }: PermittedVersion): PluginPermissionFacts {
  const { narrowed } = manifest;
  const installed = record?.installed;
  const did = observed?.isEmpty === false ? privilegesOf(observed.permissions) : [];
  const warning = warningOf({ manifest, packageJson: installed?.packageJson }, did);
  // What is compiled in has no process of its own.
  const ofProcess = installed === undefined ? [] : processPrivileges(installed.packageJson);
  const asked = [...privilegesAsked(manifest), ...ofProcess];
  const left = narrowed && [...privilegesAsked({ ...manifest, permissions: narrowed }), ...ofProcess];
  return {
    Asked: asked,
    Granted: left ?? (record?.installed === undefined ? asked : [...grantedTo(record)]),
    Narrowed: narrowed ? privilegesOf(narrowed) : null,
    Warning: warning ?? null,
  };
}
