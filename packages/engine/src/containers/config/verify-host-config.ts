import type { HostConfig } from "@pouchcontainer/api";
import { EngineError, invalidArgument, notImplemented } from "@pouchcontainer/errors";
import { isIP } from "node:net";
import { clampWarnings } from "../spec/build-process.ts";
import { normaliseCapabilities } from "../spec/capabilities.ts";
import { parseDeviceCgroupRule } from "../spec/devices.ts";
import type { HostFacts } from "../spec/host-facts.ts";
import { validateUlimit } from "../spec/rlimits.ts";
import { parseSecurityOptions } from "../spec/security-options.ts";
import type { ConfigSettings } from "./config-settings.ts";
import { verifyRestartPolicy } from "./restart-policy.ts";

/** Refuses what dockerd refuses of the host-dependent part of a create request, limits and mounts excepted. */
export function verifyHostConfig(hostConfig: HostConfig, facts: HostFacts, settings: ConfigSettings): string[] {
  verifyRestartPolicy(hostConfig.RestartPolicy, hostConfig.AutoRemove);
  for (const server of hostConfig.Dns ?? []) if (isIP(server) === 0) throw invalidArgument(`invalid IP address: ${server}`);
  for (const host of hostConfig.ExtraHosts ?? []) verifyExtraHost(host);
  verifyCapabilities("CapAdd", hostConfig.CapAdd);
  verifyCapabilities("CapDrop", hostConfig.CapDrop);
  parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  for (const limit of hostConfig.Ulimits ?? []) validateUlimit(limit);
  for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceCgroupRule(rule);
  if (Object.hasOwn(hostConfig.Annotations ?? {}, ""))
    throw invalidArgument("invalid Annotations: the empty string is not permitted as an annotation key");
  verifyModes(hostConfig);
  verifyNumbers(hostConfig);
  verifyUnsupported(hostConfig);
  verifyCgroupParent(hostConfig.CgroupParent ?? "", settings);
  const runtime = hostConfig.Runtime || settings.defaultRuntime;
  if (!settings.runtimes.includes(runtime)) throw invalidArgument(`Unknown runtime specified ${runtime}`);
  return [...hostWarnings(hostConfig, facts), ...clampWarnings(hostConfig, facts)];
}

function verifyExtraHost(host: string): void {
  const at = host.search(/[:=]/);
  const name = host.slice(0, Math.max(at, 0));
  const address = host.slice(at + 1);
  if (at === -1 || name === "") throw invalidArgument(`bad format for add-host: "${host}"`);
  // Stands for an address the daemon fills in.
  if (address === "host-gateway") return;
  if (isIP(address.replace(/^\[(.*)\]$/, "$1")) === 0) throw invalidArgument(`invalid IP address in add-host: "${address}"`);
}

function verifyCapabilities(field: string, names: readonly string[] | undefined): void {
  try {
    normaliseCapabilities(names ?? []);
  } catch (cause) {
    throw invalidArgument(`invalid ${field}: ${EngineError.from(cause).message}`, { cause });
  }
}

function verifyModes(hostConfig: HostConfig): void {
  const { IpcMode = "", PidMode = "", UTSMode = "", UsernsMode = "", CgroupnsMode = "", Isolation = "" } = hostConfig;
  const joins = (mode: string): boolean => /^container:./.test(mode);
  if (!["", "none", "private", "shareable", "host"].includes(IpcMode) && !joins(IpcMode))
    throw invalidArgument(`invalid IPC mode: ${IpcMode}`);
  if (!["", "host", "private"].includes(PidMode) && !joins(PidMode)) throw invalidArgument(`invalid PID mode: ${PidMode}`);
  if (!["", "host"].includes(UTSMode)) throw invalidArgument(`invalid UTS mode: ${UTSMode}`);
  if (!["", "host"].includes(UsernsMode)) throw invalidArgument(`invalid userns mode: ${UsernsMode}`);
  if (!["", "host", "private"].includes(CgroupnsMode)) throw invalidArgument(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  if (!["", "default"].includes(Isolation))
    throw invalidArgument(`Invalid isolation: "${Isolation}" - linux only supports 'default'`);
}

function verifyNumbers(hostConfig: HostConfig): void {
  const { ShmSize = 0, OomScoreAdj = 0 } = hostConfig;
  if (ShmSize < 0) throw invalidArgument("SHM size can not be less than 0");
  verifyOomScore(OomScoreAdj);
}

export function verifyOomScore(score: number): void {
  if (score < -1000 || score > 1000) throw invalidArgument(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
}

function verifyUnsupported(hostConfig: HostConfig): void {
  if (Object.keys(hostConfig.StorageOpt ?? {}).length > 0)
    throw invalidArgument("--storage-opt is not supported: the snapshotter knows no size limit");
  const [request] = hostConfig.DeviceRequests ?? [];
  if (request !== undefined) {
    const capabilities = (request.Capabilities ?? []).map((all) => `[${all.join(" ")}]`).join(" ");
    throw invalidArgument(`could not select device driver "${request.Driver ?? ""}" with capabilities: [${capabilities}]`);
  }
  if (hostConfig.Rich || hostConfig.RichMode || hostConfig.InitScript)
    throw notImplemented("rich containers (Rich, RichMode, InitScript) are not supported");
  if (!["", "io.containerd.runc.v2"].includes(hostConfig.RuntimeType ?? ""))
    throw notImplemented(`RuntimeType ${hostConfig.RuntimeType} is not supported: io.containerd.runc.v2 is`);
  if (hostConfig.EnableLxcfs) throw notImplemented("EnableLxcfs is not supported");
  if (hostConfig.IntelRdtL3Cbm) throw notImplemented("IntelRdtL3Cbm is not supported");
  if (hostConfig.NvidiaConfig && Object.values(hostConfig.NvidiaConfig).some((value) => value !== ""))
    throw notImplemented("NvidiaConfig is not supported");
}

function verifyCgroupParent(parent: string, settings: ConfigSettings): void {
  // eslint-disable-next-line no-control-regex -- what is looked for
  if (/[\x01-\x1f]/.test(parent))
    throw invalidArgument(`cgroup-parent must not contain control characters: ${JSON.stringify(parent)}`);
  if (parent.split("/").includes("..")) throw invalidArgument(`cgroup-parent must not contain "..": ${parent}`);
  if (settings.cgroupDriver === "systemd" && parent !== "" && !/^[^/]+\.slice$/.test(parent))
    throw invalidArgument('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
}

function hostWarnings(hostConfig: HostConfig, facts: HostFacts): string[] {
  const warnings: string[] = [];
  const mode = hostConfig.NetworkMode ?? "";
  if (!facts.ipv4Forwarding && mode !== "host" && mode !== "none")
    warnings.push("IPv4 forwarding is disabled. Networking will not work.");
  if (mode === "host" && Object.keys(hostConfig.PortBindings ?? {}).length > 0)
    warnings.push("Published ports are discarded when using host network mode");
  if (hostConfig.CgroupnsMode === "private" && !facts.cgroupNamespaces)
    warnings.push("Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded.");
  return warnings;
}
