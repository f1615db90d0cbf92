import { readFileSync } from "node:fs";
import type {
  ContainerConfig,
  ContainerCreateConfig,
  EndpointSettings,
  HealthConfig,
  HostConfig,
  Resources,
} from "@pouchcontainer/api";
import { CliError, messageOf } from "../cli-error.ts";
import { keyValues } from "../flags/flag-types.ts";
import type { FlagValues } from "../flags/flag-types.ts";
import type { createFlags, limitFlags } from "./create-flags.ts";
import { readEnv, readListFile } from "./list-text.ts";
import { readTmpfs, readVolumes } from "./mounts.ts";
import { readPorts } from "./ports.ts";
import { isCdiDevice, parseDevice } from "./resource-parsers.ts";

export type CreateFlagValues = FlagValues<typeof createFlags>;

export interface CreateInput {
  flags: CreateFlagValues;
  given: ReadonlySet<string>;
  image: string;
  command: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  folder: string;
  /** Streams to attach; decides AttachStdin… */
  attach: { stdin: boolean; stdout: boolean; stderr: boolean };
}

/** The body of `POST /containers/create` that the flags describe. Name and platform travel in the query. */
export function createBody(input: CreateInput): ContainerCreateConfig {
  const { flags, attach, command } = input;
  const volumes = readVolumes(flags.volume, input.folder);
  const ports = readPorts(flags.publish, flags.expose);
  const labels = keyValues([...flags["label-file"].flatMap((file) => readListFile(file, "label")), ...flags.label]);
  return {
    ...containerPart(input),
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    ExposedPorts: ports.exposed,
    Env: readEnv(flags.env, flags["env-file"], input.env),
    ...(command.length > 0 ? { Cmd: [...command] } : {}),
    Volumes: volumes.volumes,
    Labels: labels,
    HostConfig: hostPart(input, volumes.binds, ports.bindings),
    NetworkingConfig: { EndpointsConfig: endpoints(flags) },
    ...present({ Snapshotter: flags.snapshotter, SpecificID: flags["specific-id"] }),
  };
}

/** The entries of an object that are not undefined: what was not given is not sent. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Every undefined value is filtered out, which is what the type says.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** The list, or undefined for an empty one. */
const some = <T>(values: readonly T[]): T[] | undefined => (values.length === 0 ? undefined : [...values]);
const someOf = <T extends object>(values: T): T | undefined => (Object.keys(values).length === 0 ? undefined : values);
const ifSet = (value: boolean): true | undefined => (value ? true : undefined);

function containerPart({ flags, given, image, attach }: CreateInput): ContainerConfig {
  return {
    Image: image,
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && attach.stdin,
    ...present({
      Hostname: flags.hostname,
      Domainname: flags.domainname,
      User: flags.user,
      WorkingDir: flags.workdir,
      // An empty entry point resets the one of the image.
      Entrypoint: flags.entrypoint === undefined ? undefined : [flags.entrypoint],
      MacAddress: flags["mac-address"],
      StopSignal: flags["stop-signal"],
      StopTimeout: flags["stop-timeout"],
      Healthcheck: healthcheck(flags, given),
      DisableNetworkFiles: ifSet(flags["disable-network-files"]),
      Rich: ifSet(flags.rich),
      RichMode: flags["rich-mode"],
      InitScript: flags.initscript,
      DiskQuota: someOf(diskQuota(flags["disk-quota"])),
      QuotaId: flags["quota-id"],
      NetPriority: flags["net-priority"],
      SpecAnnotation: someOf(flags.annotation),
    }),
  };
}

/** `--disk-quota 10g` is about everything, `--disk-quota /=10g` about one folder. */
export function diskQuota(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => (value === "" ? [".*", key] : [key, value])));
}

function healthcheck(flags: CreateFlagValues, given: ReadonlySet<string>): HealthConfig | undefined {
  const settings = [...given].filter((name) => name.startsWith("health-"));
  if (flags["no-healthcheck"]) {
    if (settings.length > 0) throw new CliError("--no-healthcheck conflicts with --health-* options", { exitCode: 125 });
    return { Test: ["NONE"] };
  }
  if (settings.length === 0) return undefined;
  return present({
    Test: flags["health-cmd"] === undefined || flags["health-cmd"] === "" ? undefined : ["CMD-SHELL", flags["health-cmd"]],
    Interval: flags["health-interval"],
    Timeout: flags["health-timeout"],
    StartPeriod: flags["health-start-period"],
    StartInterval: flags["health-start-interval"],
    Retries: flags["health-retries"],
  });
}

/** The limits that create, run and update share. */
export function limitsPart(flags: FlagValues<typeof limitFlags>): Resources {
  return present({
    BlkioWeight: flags["blkio-weight"],
    CpuPeriod: flags["cpu-period"],
    CpuQuota: flags["cpu-quota"],
    CpuRealtimePeriod: flags["cpu-rt-period"],
    CpuRealtimeRuntime: flags["cpu-rt-runtime"],
    CpuShares: flags["cpu-shares"],
    NanoCpus: flags.cpus,
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    Memory: flags.memory,
    MemoryReservation: flags["memory-reservation"],
    MemorySwap: flags["memory-swap"],
    PidsLimit: flags["pids-limit"],
  });
}

function devicePart(flags: CreateFlagValues): Resources {
  const cdi = flags.device.filter(isCdiDevice);
  const requests = [...flags.gpus, ...(cdi.length === 0 ? [] : [{ Driver: "cdi", DeviceIDs: cdi }])];
  return present({
    BlkioWeightDevice: some(flags["blkio-weight-device"]),
    BlkioDeviceReadBps: some(flags["device-read-bps"]),
    BlkioDeviceWriteBps: some(flags["device-write-bps"]),
    BlkioDeviceReadIOps: some(flags["device-read-iops"]),
    BlkioDeviceWriteIOps: some(flags["device-write-iops"]),
    Devices: some(flags.device.filter((one) => !isCdiDevice(one)).map(parseDevice)),
    DeviceCgroupRules: some(flags["device-cgroup-rule"]),
    DeviceRequests: some(requests),
    CgroupParent: flags["cgroup-parent"],
    KernelMemory: flags["kernel-memory"],
    MemorySwappiness: flags["memory-swappiness"],
    OomKillDisable: ifSet(flags["oom-kill-disable"]),
    Ulimits: some(flags.ulimit),
    IntelRdtL3Cbm: flags["intel-rdt-l3-cbm"],
    ScheLatSwitch: flags["sche-lat-switch"],
    MemoryWmarkRatio: flags["memory-wmark-ratio"],
    MemoryExtra: flags["memory-extra"],
    MemoryForceEmptyCtl: flags["memory-force-empty-ctl"],
    NvidiaConfig: someOf(
      present({ NvidiaVisibleDevices: flags["nvidia-visible-devs"], NvidiaDriverCapabilities: flags["nvidia-capabilities"] }),
    ),
  });
}

function hostPart({ flags, given }: CreateInput, binds: string[], bindings: HostConfig["PortBindings"]): HostConfig {
  const [firstNetwork] = flags.network;
  return {
    ...limitsPart(flags),
    ...devicePart(flags),
    NetworkMode: firstNetwork?.name ?? "default",
    AutoRemove: flags.rm,
    Privileged: flags.privileged,
    PublishAllPorts: flags["publish-all"],
    ReadonlyRootfs: flags["read-only"],
    RestartPolicy: flags.restart ?? { Name: "no", MaximumRetryCount: 0 },
    ...securityPart(flags),
    ...present({
      Binds: some(binds),
      PortBindings: bindings,
      ContainerIDFile: flags.cidfile,
      LogConfig: someOf(present({ Type: flags["log-driver"], Config: someOf(flags["log-opt"]) })),
      VolumeDriver: flags["volume-driver"],
      VolumesFrom: some(flags["volumes-from"]),
      Annotations: someOf(flags.annotation),
      Mounts: some(flags.mount),
      CapAdd: some(flags["cap-add"]),
      CapDrop: some(flags["cap-drop"]),
      CgroupnsMode: flags.cgroupns,
      Dns: some(flags.dns),
      DnsOptions: some(flags["dns-option"]),
      DnsSearch: some(flags["dns-search"]),
      ExtraHosts: some(flags["add-host"].map(hostMapping)),
      GroupAdd: some(flags["group-add"]),
      IpcMode: flags.ipc,
      Links: some(flags.link),
      OomScoreAdj: flags["oom-score-adj"],
      PidMode: flags.pid,
      StorageOpt: someOf(flags["storage-opt"]),
      Tmpfs: someOf(readTmpfs(flags.tmpfs)),
      UTSMode: flags.uts,
      UsernsMode: flags.userns,
      ShmSize: flags["shm-size"],
      Sysctls: someOf(flags.sysctl),
      Runtime: flags.runtime,
      Init: given.has("init") ? flags.init : undefined,
      EnableLxcfs: ifSet(flags.enableLxcfs),
      Rich: ifSet(flags.rich),
      RichMode: flags["rich-mode"],
      InitScript: flags.initscript,
    }),
  };
}

/** `name=address` is taken as `name:address`. */
function hostMapping(given: string): string {
  const match = /^([^=:]+)[=:](.+)$/.exec(given);
  if (match === null)
    throw new CliError(`invalid argument "${given}" for "--add-host" flag: write name:address`, { exitCode: 125 });
  return `${match[1]}:${match[2]?.replace(/^\[(.*)\]$/, "$1")}`;
}

/** Security options as the API takes them: profiles are read here, `systempaths=unconfined` becomes empty lists. */
function securityPart(flags: CreateFlagValues): Pick<HostConfig, "SecurityOpt" | "MaskedPaths" | "ReadonlyPaths"> {
  const options: string[] = [];
  let unmasked = false;
  for (const given of flags["security-opt"]) {
    const [, name = given, value] = /^([\w-]+)[=:](.*)$/.exec(given) ?? [];
    if (given === "systempaths=unconfined") unmasked = true;
    else if (name === "seccomp" && value !== undefined && value !== "unconfined" && value !== "builtin") {
      options.push(`seccomp=${readProfile(value)}`);
    } else if (value === undefined && given !== "no-new-privileges") {
      throw new CliError(`invalid --security-opt: "${given}": write name=value, for example seccomp=unconfined`, {
        exitCode: 125,
      });
    } else options.push(given.replace(/^(\w+):/, "$1="));
  }
  return {
    ...(options.length > 0 ? { SecurityOpt: options } : {}),
    ...(unmasked ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
  };
}

function readProfile(path: string): string {
  try {
    return JSON.stringify(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new CliError(`opening seccomp profile (${path}) failed: ${messageOf(error)}`, { exitCode: 125 });
  }
}

/** One entry for each network; the flags without a network (`--ip`, `--network-alias`…) are about the first. */
function endpoints(flags: CreateFlagValues): Record<string, EndpointSettings> {
  const result: Record<string, EndpointSettings> = {};
  for (const { name, endpoint } of flags.network) {
    if (Object.hasOwn(result, name)) throw new CliError(`network "${name}" is specified multiple times`, { exitCode: 125 });
    result[name] = endpoint;
  }
  const first = flags.network[0]?.name ?? "default";
  const addresses = present({ IPv4Address: flags.ip, IPv6Address: flags.ip6, LinkLocalIPs: some(flags["link-local-ip"]) });
  const extra: EndpointSettings = {
    ...(Object.keys(addresses).length === 0 ? {} : { IPAMConfig: { ...result[first]?.IPAMConfig, ...addresses } }),
    ...present({ MacAddress: flags["mac-address"], Links: some(flags.link) }),
    ...(flags["network-alias"].length === 0 ? {} : { Aliases: [...(result[first]?.Aliases ?? []), ...flags["network-alias"]] }),
  };
  if (Object.keys(extra).length > 0) result[first] = { ...result[first], ...extra };
  // A network without settings is named by NetworkMode alone; more than one must all be listed.
  if (flags.network.length === 1 && Object.keys(result[first] ?? {}).length === 0) return {};
  return result;
}
