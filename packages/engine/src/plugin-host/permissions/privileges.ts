import type { PluginManifest, PluginPermissions, PointName } from "@pouchcontainer/plugin-sdk";
import { isObject, permissionFlags, type PermissionFlag } from "@pouchcontainer/plugin-sdk/host";
import type { PluginPrivilege } from "@pouchcontainer/api";
import { FieldPatterns } from "./field-patterns.ts";
import { isPolicy } from "../policies/index.ts";
import { coversRoute } from "./route-changes.ts";

/** What is granted without a limit. */
const everything = "everything";

/** Permissions as Docker lists what a plugin asks for; undefined are those of a plugin that is held to none. */
export function privilegesOf(permissions: PluginPermissions | undefined): PluginPrivilege[] {
  if (permissions === undefined)
    return [{ Name: everything, Description: "do all that its points let it do, and reach the network", Value: ["true"] }];
  const { fields = {}, routes = [] } = permissions;
  // Keys of `fields` are points.
  const points = Object.keys(fields) as PointName[];
  const listed = points.map((point) => ({
    Name: `fields at ${point}`,
    Description: `change these fields at ${point}`,
    Value: fields[point] ?? [],
  }));
  const ofRoutes = { Name: "routes", Description: "change these routes of the API", Value: routes };
  const flags = flagNames
    .filter((flag) => permissions[flag] === true)
    .map((flag) => ({ Name: flag, Description: permissionFlags[flag], Value: ["true"] }));
  return [...listed, ofRoutes, ...flags].filter(({ Value }) => Value.length > 0);
}

/** What a plugin asks for: who may do all may share, too. */
export function privilegesAsked({
  permissions,
  sharedProcess,
}: Pick<PluginManifest, "permissions" | "sharedProcess">): PluginPrivilege[] {
  const asked = privilegesOf(permissions);
  if (permissions === undefined || sharedProcess === undefined) return asked;
  const Description = "run in one process with other plugins, which can do all that the others were granted";
  return [...asked, { Name: "shared process", Description, Value: [sharedProcess] }];
}

// The keys of the object are the flags.
const flagNames = Object.keys(permissionFlags) as PermissionFlag[];

const user = "user";
const environment = "environment";

/**
 * What the process of a package has of the host, whatever its permissions are: whom it runs as, and what it reads of the daemon's environment.
 * Rules have none. The package may be one that this daemon would not take in any more.
 */
export function processPrivileges(packageJson: unknown): PluginPrivilege[] {
  if (isPolicy(packageJson)) return [];
  const { pouch } = isObject(packageJson) ? packageJson : {};
  const { user: account, environment: names } = isObject(pouch) ? pouch : {};
  const runsAs = {
    Name: user,
    Description: "run as this user of the host",
    Value: [typeof account === "string" ? account : "root"],
  };
  const variables = Array.isArray(names) ? names.map(String) : [];
  if (variables.length === 0) return [runsAs];
  return [runsAs, { Name: environment, Description: "read these variables of the daemon", Value: variables }];
}

/** Whether one user may do all that others may, whoever they are. */
const isRoot = (account: string): boolean => /^(root|0+)(:|$)/.test(account);

/** What is asked for and not granted, each by itself; none where all is. */
export function missingPrivileges(asked: readonly PluginPrivilege[], granted: readonly PluginPrivilege[]): PluginPrivilege[] {
  const isAll = granted.some(({ Name }) => Name === everything);
  return asked.flatMap((privilege) => {
    if (isAll && privilege.Name !== user && privilege.Name !== environment) return [];
    const values = granted.filter(({ Name }) => Name === privilege.Name).flatMap(({ Value }) => Value);
    const fields = privilege.Name.startsWith("fields at ") ? new FieldPatterns(values) : undefined;
    const isGranted = (value: string): boolean =>
      values.includes(value) ||
      (privilege.Name === user && values.some(isRoot)) ||
      (fields?.covers(value) ?? (privilege.Name === "routes" && coversRoute(values, value)));
    const Value = privilege.Value.filter((value) => !isGranted(value));
    return Value.length === 0 ? [] : [{ ...privilege, Value }];
  });
}

/** `fields at container.preCreate: [HostConfig.Memory]; assistants: [true]`, for messages. */
export function privilegesText(privileges: readonly PluginPrivilege[]): string {
  return privileges.map(({ Name, Value }) => `${Name}: [${Value.join(", ")}]`).join("; ");
}
