import { failedPrecondition } from "@pouchcontainer/errors";
import type { Hooks, LinuxSpec, RuntimeSpec, Seccomp } from "@pouchcontainer/oci";
import type { ContainerRecord } from "../container-record.ts";
import { sharesPids } from "../pod-membership.ts";
import { buildInitProcess, containerCapabilities } from "./build-process.ts";
import { cgroupsPath } from "./cgroup-path.ts";
import { buildDevices } from "./devices.ts";
import { buildMounts, initDestination } from "./mounts.ts";
import { criResources, withCdiDevices } from "./cri-resources.ts";
import { buildNamespaces, containerOfMode } from "./namespaces.ts";
import { resourcesFromHostConfig } from "./resources.ts";
import { customSeccomp, defaultSeccomp } from "./seccomp.ts";
import { parseSecurityOptions } from "./security-options.ts";
import type { SpecInput } from "./spec-input.ts";

/** The version whose fields are used; every runc since 1.0 takes it. */
const ociVersion = "1.0.2";

/** By which containerd's shim for runc knows what it serves together; without it, by the sandbox id that CRI's containers have. */
const shimGroup = "io.containerd.runc.v2.group";

/**
 * The OCI runtime specification of a container. Everything it needs comes in; the same input gives the same output.
 * `warnings` names what was asked for and could not be given on this machine.
 */
export function buildSpec(input: SpecInput): { spec: RuntimeSpec; warnings: string[] } {
  const { record } = input;
  const { config, hostConfig } = record;
  const init = wantsInit(input);
  const { process, warnings } = buildInitProcess(input, commandLine(input, init));
  const { mounts, rootfsPropagation } = buildMounts(input, { init });
  // Last: a shim that serves several containers would end with what is left of any of them, or hang for all.
  const annotations = { ...hostConfig.Annotations, ...config.SpecAnnotation, [shimGroup]: record.id };
  const allHooks = specHooks(input);

  const spec: RuntimeSpec = {
    ociVersion,
    process,
    root: { path: input.rootPath, readonly: hostConfig.ReadonlyRootfs ?? false },
    ...(ownsUts(record) ? { hostname: config.Hostname ?? "" } : {}),
    mounts,
    ...(Object.keys(allHooks).length > 0 ? { hooks: allHooks } : {}),
    annotations,
    linux: { ...linuxPart(input), ...(rootfsPropagation === "" ? {} : { rootfsPropagation }) },
  };
  return { spec, warnings };
}

function linuxPart(input: SpecInput): LinuxSpec {
  const { record, facts, settings } = input;
  const { hostConfig } = record;
  const { devices, rules } = withCdiDevices(buildDevices(hostConfig, input.devices), record.cri);
  const sysctl = sysctls(input);
  const seccomp = seccompOf(input);
  return {
    ...(Object.keys(sysctl).length > 0 ? { sysctl } : {}),
    resources: {
      devices: rules,
      ...resourcesFromHostConfig(hostConfig, facts.cgroup, input.devices),
      ...criResources(record.cri, facts.cgroup),
    },
    cgroupsPath: cgroupsPath(record.id, settings.cgroupDriver, hostConfig.CgroupParent || settings.cgroupParent),
    namespaces: buildNamespaces(input),
    ...(devices.length > 0 ? { devices } : {}),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(hostConfig.Privileged
      ? {}
      : { maskedPaths: hostConfig.MaskedPaths ?? [], readonlyPaths: hostConfig.ReadonlyPaths ?? [] }),
  };
}

/** What plugins ask for, in the order it is to run, then what devices bring. */
function specHooks({ hooks, record }: SpecInput): Hooks {
  const all: Hooks = {};
  if (hooks.length > 0)
    all.prestart = hooks.map(({ args, env, timeoutSeconds }) => ({
      path: args[0] ?? "",
      args,
      ...(env === undefined ? {} : { env }),
      timeout: timeoutSeconds,
    }));
  for (const { stage, hook } of record.cri?.cdi?.edits.hooks ?? []) all[stage] = [...(all[stage] ?? []), hook];
  return all;
}

/** An init of ours makes sense only where it is process 1. Who asks for a pod's container counts on the process being its own. */
function wantsInit({ record, settings }: SpecInput): boolean {
  const byDefault = settings.initByDefault && !record.pod;
  return (record.hostConfig.Init ?? byDefault) && !sharesPids(record);
}

/** Whether the host name is the container's to set. */
function ownsUts({ hostConfig, pod }: ContainerRecord): boolean {
  return pod ? pod.namespaces.uts === "own" : hostConfig.UTSMode !== "host";
}

function ownsNetwork({ hostConfig, pod }: ContainerRecord): boolean {
  if (pod) return pod.namespaces.network === "own";
  return hostConfig.NetworkMode !== "host" && containerOfMode(hostConfig.NetworkMode) === undefined;
}

function commandLine({ record }: SpecInput, init: boolean): string[] {
  const command = [record.path, ...record.args];
  return init ? [initDestination, "--", ...command] : command;
}

/** A container with a network of its own may ping and use low ports without privileges; the user's values come on top. */
function sysctls({ record }: SpecInput): Record<string, string> {
  const { config, hostConfig } = record;
  const values: Record<string, string> = {};
  if (ownsNetwork(record)) {
    values["net.ipv4.ip_unprivileged_port_start"] = "0";
    values["net.ipv4.ping_group_range"] = "0 2147483647";
  }
  // The spec's own field for it came later than the runtimes in use.
  if (config.Domainname && ownsUts(record)) values["kernel.domainname"] = config.Domainname;
  return { ...values, ...hostConfig.Sysctls };
}

function seccompOf(input: SpecInput): Seccomp | undefined {
  const { record, facts } = input;
  const { seccomp } = parseSecurityOptions(record.hostConfig.SecurityOpt ?? []);
  if (seccomp === "unconfined") return undefined;
  const ofItsOwn = seccomp !== undefined && seccomp !== "" && seccomp !== "builtin";
  if (!facts.seccomp) {
    if (!ofItsOwn) return undefined;
    throw failedPrecondition(
      "seccomp is not supported by this machine's kernel, and the container brings a profile of its own: make it with seccomp=unconfined",
    );
  }
  const privileged = record.hostConfig.Privileged ?? false;
  const context = {
    architecture: facts.architecture,
    kernelVersion: facts.kernel.version,
    capabilities: containerCapabilities(record, facts, privileged).names,
  };
  if (ofItsOwn) return customSeccomp(seccomp, context);
  return privileged ? undefined : defaultSeccomp(context);
}
