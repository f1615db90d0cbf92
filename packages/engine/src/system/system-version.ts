import type { ComponentVersion, SystemVersion } from "@pouchcontainer/api";
import type { HostFacts } from "../containers/spec/index.ts";
import type { Machine } from "./machine.ts";
import type { ProgramVersion } from "./program-versions.ts";
import type { SystemSettings } from "./system-deps.ts";

export interface VersionFacts {
  settings: SystemSettings;
  machine: Machine;
  facts: Pick<HostFacts, "kernel">;
  containerdVersion: { version: string; revision: string };
  runtimeVersion: ProgramVersion | undefined;
  initVersion: ProgramVersion | undefined;
}

/** The answer to `version`, with Docker's components so that its CLI prints each. */
export function systemVersion({
  settings,
  machine,
  facts,
  containerdVersion,
  runtimeVersion,
  initVersion,
}: VersionFacts): SystemVersion {
  const common = {
    ApiVersion: settings.apiVersion,
    MinAPIVersion: settings.minApiVersion,
    GitCommit: settings.commit,
    // Clients print this line; what runs here is Node.
    GoVersion: `node${process.versions.node}`,
    Os: "linux",
    Arch: machine.architecture,
    KernelVersion: facts.kernel.release,
  };
  const buildTime = settings.buildTime === "" ? {} : { BuildTime: settings.buildTime };
  return {
    Platform: { Name: "PouchContainer" },
    Components: [
      { Name: "Engine", Version: settings.version, Details: { ...common, Experimental: "false", ...buildTime } },
      { Name: "containerd", Version: containerdVersion.version, Details: { GitCommit: containerdVersion.revision } },
      ...component(settings.defaultRuntime, runtimeVersion),
      ...component("docker-init", initVersion),
    ],
    Version: settings.version,
    ...common,
    ...buildTime,
  };
}

function component(name: string, version: ProgramVersion | undefined): ComponentVersion[] {
  return version === undefined ? [] : [{ Name: name, Version: version.version, Details: { GitCommit: version.commit } }];
}
