import type { ExecCreateConfig, HostConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { Capabilities, Process } from "@pouchcontainer/oci";
import type { ContainerRecord } from "../container-record.ts";
import { type CapabilityRequest, effectiveCapabilities, normaliseCapabilities } from "./capabilities.ts";
import { type ContainerUser, resolveUser } from "./container-user.ts";
import { daemonEnvironment, mergeEnvironment } from "./environment.ts";
import type { HostFacts } from "./host-facts.ts";
import { buildRlimits } from "./rlimits.ts";
import type { RootfsReader } from "./rootfs-reader.ts";
import { parseSecurityOptions } from "./security-options.ts";
import type { SpecSettings } from "./spec-input.ts";

export interface ProcessInput {
  record: ContainerRecord;
  facts: HostFacts;
  settings: Pick<SpecSettings, "defaultUlimits">;
  rootfs: RootfsReader;
  /** Variables about linked containers: below the container's own. */
  linkEnv?: readonly string[];
}

/** What one process of a container wants; the first one and every exec are the same thing here. */
interface ProcessRequest {
  args: string[];
  user: string;
  workingDir: string;
  tty: boolean;
  env: readonly string[];
  privileged: boolean;
  consoleSize: readonly number[] | undefined;
}

/** The container's first process. */
export function buildInitProcess(input: ProcessInput, args: string[]): { process: Process; warnings: string[] } {
  const { config, hostConfig } = input.record;
  return processFor(input, {
    args,
    user: config.User ?? "",
    workingDir: config.WorkingDir ?? "",
    tty: config.Tty ?? false,
    env: config.Env ?? [],
    privileged: hostConfig.Privileged ?? false,
    consoleSize: hostConfig.ConsoleSize,
  });
}

/** A process added to a running container (`docker exec`). */
export function buildProcess(input: ProcessInput, exec: ExecCreateConfig): { process: Process; warnings: string[] } {
  const { config, hostConfig } = input.record;
  const workingDir = exec.WorkingDir || (config.WorkingDir ?? "");
  checkExec({ ...exec, WorkingDir: workingDir });
  return processFor(input, {
    args: [...(exec.Cmd ?? [])],
    user: exec.User || (config.User ?? ""),
    workingDir,
    tty: exec.Tty ?? false,
    env: mergeEnvironment(config.Env ?? [], exec.Env ?? []),
    privileged: (exec.Privileged ?? false) || (hostConfig.Privileged ?? false),
    consoleSize: exec.ConsoleSize,
  });
}

/** Refuses what is a process in no container. */
export function checkExec({ Cmd = [], WorkingDir = "" }: Pick<ExecCreateConfig, "Cmd" | "WorkingDir">): void {
  if (Cmd === null || Cmd.length === 0) throw invalidArgument("No exec command specified");
  if (!WorkingDir.startsWith("/") && WorkingDir !== "") throw invalidArgument(`Cwd must be an absolute path: ${WorkingDir}`);
}

function processFor(input: ProcessInput, request: ProcessRequest): { process: Process; warnings: string[] } {
  const { record, facts, settings, rootfs } = input;
  const { hostConfig } = record;
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  refuseTooLong("exec", request.args[0] ?? "");
  refuseTooLong("chdir", request.workingDir);

  const { home, ...user } = userOf(record, request.user, rootfs);
  const capabilities = containerCapabilities(record, facts, request.privileged);
  const limits = buildRlimits(hostConfig.Ulimits ?? [], settings.defaultUlimits, facts);
  const score = oomScore(hostConfig.OomScoreAdj ?? 0, facts);
  const given = daemonEnvironment({ hostname: record.config.Hostname ?? "", tty: request.tty });
  const ofDevices = mergeEnvironment(request.env, record.cri?.cdi?.edits.env ?? []);
  const env = mergeEnvironment(mergeEnvironment(given, input.linkEnv ?? []), ofDevices);
  if (!env.some((entry) => entry.startsWith("HOME="))) env.push(`HOME=${home}`);
  const apparmor = apparmorProfile(security.apparmor, request.privileged, facts);
  const [height = 0, width = 0] = request.consoleSize ?? [];

  const process: Process = {
    terminal: request.tty,
    ...(request.tty && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
    user,
    args: request.args,
    env,
    cwd: request.workingDir || "/",
    capabilities: withAmbient(
      // What execve would leave a user other than root: nothing but the ceiling.
      user.uid === 0
        ? { bounding: capabilities.names, effective: capabilities.names, permitted: capabilities.names }
        : { bounding: capabilities.names },
      ambientCapabilities(record, facts),
    ),
    noNewPrivileges: security.noNewPrivileges,
    ...(limits.rlimits.length > 0 ? { rlimits: limits.rlimits } : {}),
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    oomScoreAdj: score.value,
  };
  return { process, warnings: [...capabilities.warnings, ...limits.warnings, ...score.warnings] };
}

/** The user's groups and those asked for besides; over CRI the image may have no say in it. */
function userOf({ hostConfig, cri }: ContainerRecord, user: string, rootfs: RootfsReader): ContainerUser {
  const groupAdd = hostConfig.GroupAdd ?? [];
  if (!cri) return resolveUser(user, groupAdd, rootfs);
  const { supplementalGroups = [], supplementalGroupsPolicy = "merge", cdi } = cri;
  const added = [...groupAdd, ...[...supplementalGroups, ...(cdi?.edits.additionalGids ?? [])].map(String)];
  return resolveUser(user, added, rootfs, supplementalGroupsPolicy === "merge" ? "always" : "never");
}

function ambientCapabilities({ cri }: ContainerRecord, facts: HostFacts): string[] {
  const names = normaliseCapabilities(cri?.ambientCapabilities ?? []);
  const all = names.includes("ALL") ? facts.boundingCapabilities : names;
  return all.filter((name) => facts.boundingCapabilities.includes(name));
}

/** The kernel lets a capability be ambient that is permitted and inheritable (capabilities(7)). */
function withAmbient(capabilities: Capabilities, ambient: readonly string[]): Capabilities {
  if (ambient.length === 0) return capabilities;
  const also = (names: readonly string[] = []): string[] => [...new Set([...names, ...ambient])];
  const { bounding, effective, permitted } = capabilities;
  return {
    bounding: also(bounding),
    effective: also(effective),
    permitted: also(permitted),
    inheritable: also(),
    ambient: also(),
  };
}

/** `PATH_MAX`, its final zero included. */
const longestPathBytes = 4095;

/** The kernel refuses it in any case, but runc (1.1) waits for ever when its own message about it does not fit into a pipe. */
function refuseTooLong(call: string, path: string): void {
  if (Buffer.byteLength(path) > longestPathBytes)
    throw invalidArgument(`unable to start container process: ${call} ${path.slice(0, 64)}…: file name too long`);
}

/** What this container's processes may do at most, the seccomp profile's conditions included. */
export function containerCapabilities(
  record: ContainerRecord,
  facts: HostFacts,
  privileged: boolean,
): { names: string[]; warnings: string[] } {
  const request: CapabilityRequest = { privileged, add: record.hostConfig.CapAdd ?? [], drop: record.hostConfig.CapDrop ?? [] };
  return effectiveCapabilities(request, facts.boundingCapabilities);
}

/** What of a request the daemon cannot give on this machine; create says so, and the spec is built without it. */
export function clampWarnings(hostConfig: HostConfig, facts: HostFacts): string[] {
  const { Privileged = false, CapAdd = [], CapDrop = [], Ulimits = [], OomScoreAdj = 0 } = hostConfig;
  return [
    ...effectiveCapabilities({ privileged: Privileged, add: CapAdd, drop: CapDrop }, facts.boundingCapabilities).warnings,
    ...buildRlimits(Ulimits, [], facts).warnings,
    ...oomScore(OomScoreAdj, facts).warnings,
  ];
}

/** Without CAP_SYS_RESOURCE the kernel refuses a score below the daemon's own, and runc dies of it. */
function oomScore(wanted: number, facts: HostFacts): { value: number; warnings: string[] } {
  if (facts.mayRaiseLimits || wanted >= facts.oomScoreAdj) return { value: wanted, warnings: [] };
  const warning = `The daemon may not lower oom_score_adj to ${wanted}; its own value ${facts.oomScoreAdj} is used.`;
  return { value: facts.oomScoreAdj, warnings: wanted === 0 ? [] : [warning] };
}

/** Name of the profile dockerd and others load; containers get it only where AppArmor runs. */
export const defaultApparmorProfile = "docker-default";

function apparmorProfile(wanted: string | undefined, privileged: boolean, facts: HostFacts): string | undefined {
  if (!facts.apparmor) return undefined;
  if (wanted !== undefined && wanted !== "") return wanted;
  if (privileged) return "unconfined";
  return facts.apparmorProfiles.includes(defaultApparmorProfile) ? defaultApparmorProfile : undefined;
}
