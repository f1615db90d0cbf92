import type { AuthConfig, JsonMessage, Plugin } from "@pouchcontainer/api";
import { alreadyExists, invalidArgument } from "@pouchcontainer/errors";
import { formatReference } from "@pouchcontainer/oci";
import type { ProgressSink } from "../../registry/progress.ts";
import type { PackageSource } from "../installed/plugin-package.ts";
import type { GrantedPrivileges } from "../permissions/granted.ts";
import { readMode, type PluginMode } from "../shadow/plugin-mode.ts";
import type { PluginArtifacts } from "./plugin-artifacts.ts";

export interface PluginPullRequest {
  /** `REGISTRY/NAME:TAG` or `REGISTRY/NAME@DIGEST`. */
  remote: string;
  /** Has to be the name in the package, where given; with `:latest`, as Docker's client may add it. */
  name?: string;
  /** Whether it is called from then on. Without it the plugin has to be new, and is left disabled: Docker's client enables it itself. */
  enable?: boolean;
  /** See `InstallOptions`. */
  privileges?: GrantedPrivileges;
  /** What a query says is not checked before. */
  mode?: PluginMode;
  auth?: AuthConfig;
  /** Called before the first line of progress. */
  named?: (name: string) => void;
}

interface PullRoom {
  artifacts: PluginArtifacts;
  progress: ProgressSink;
  signal: AbortSignal;
}

export interface PluginPull {
  source: PackageSource;
  options: { enable: boolean; name?: string; privileges: GrantedPrivileges; mode?: PluginMode };
  /** The last line. */
  installed: (plugin: Plugin) => JsonMessage;
}

/** What a pull is as an install. */
export function pullOf(
  { remote, name: given, enable, privileges = [], mode, auth, named }: PluginPullRequest,
  { artifacts, progress, signal }: PullRoom,
  isThere: (name: string) => boolean,
): PluginPull {
  const reference = formatReference(artifacts.parse(remote));
  const wanted = given?.replace(/:latest$/, "");
  const told = (name: string): void => {
    if (wanted !== undefined && wanted !== name)
      throw invalidArgument(`${reference} is plugin "${name}", another name for it (here "${wanted}") is not possible`);
    if (enable === undefined && isThere(name)) throw alreadyExists(`plugin ${name} already exists`);
    named?.(name);
  };
  return {
    source: { reference, pull: { progress, signal, named: told, ...(auth && { auth }) } },
    options: {
      enable: enable ?? false,
      privileges,
      ...(mode !== undefined && { mode: readMode(mode) }),
      ...(wanted !== undefined && { name: wanted }),
    },
    installed: ({ Name, Pouch }) => ({ status: `Status: Installed plugin ${Name} ${Pouch?.Version ?? ""}`.trimEnd() }),
  };
}

/** What a pull would bring in, to be looked at. */
export function pullSource(
  { remote, auth }: Pick<PluginPullRequest, "remote" | "auth">,
  { artifacts, signal }: Pick<PullRoom, "artifacts" | "signal">,
): PackageSource {
  return { reference: formatReference(artifacts.parse(remote)), pull: { signal, ...(auth && { auth }) } };
}
