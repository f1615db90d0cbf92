import type {
  ContainerInspect,
  ContainerState as ApiState,
  Descriptor,
  NetworkSettings,
  PluginTraceEntry,
} from "@pouchcontainer/api";
import { wasStarted, zeroTime, type ContainerRecord, type ContainerState } from "../container-record.ts";
import { containerOfMode } from "../spec/index.ts";
import { configView } from "./config-view.ts";
import { hostConfigView } from "./host-config-view.ts";
import { mountPointView } from "./mount-point-view.ts";

/** What inspect shows beside the record. */
export interface InspectFacts {
  /** Running exec instances; none is shown as null. */
  execIds: Iterable<string>;
  networkSettings: NetworkSettings;
  /** `HostConfig.Links` in the names of the day. */
  links?: string[] | undefined;
  /** Calls of plugins that concerned it; none is left out. */
  pluginCalls?: readonly PluginTraceEntry[];
  /** Profile the container runs under; empty where AppArmor is off. */
  appArmorProfile?: string;
  imageManifest?: Descriptor;
  /** Asked for with `?size=1`. */
  size?: { rw: number; rootFs: number };
}

type FilePaths = Pick<ContainerInspect, "ResolvConfPath" | "HostnamePath" | "HostsPath" | "LogPath">;

/** The container as `docker inspect` shows it, field by field in Docker's order. */
export function containerInspect(record: ContainerRecord, facts: InspectFacts): ContainerInspect {
  const execIds = [...facts.execIds];
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    State: stateView(record.state),
    Image: record.image.id,
    ...filesOf(record),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: record.driver,
    Platform: record.platform.split("/", 1)[0] ?? "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: facts.appArmorProfile ?? "",
    ExecIDs: execIds.length > 0 ? execIds : null,
    HostConfig: hostConfigView(facts.links ? { ...record.hostConfig, Links: facts.links } : record.hostConfig),
    GraphDriver: { Data: null, Name: record.driver },
    ...(facts.size === undefined ? {} : { SizeRw: facts.size.rw, SizeRootFs: facts.size.rootFs }),
    Mounts: record.mountPoints.map(mountPointView),
    Config: configView(record.config),
    NetworkSettings: facts.networkSettings,
    ...(facts.imageManifest === undefined ? {} : { ImageManifestDescriptor: facts.imageManifest }),
    Snapshotter: record.snapshotter,
    ...(facts.pluginCalls?.length ? { PluginCalls: [...facts.pluginCalls] } : {}),
  };
}

/** The files a start makes; before the first there are none, and who shares another's network has those only of a start that worked. */
function filesOf({ state, ...record }: ContainerRecord): FilePaths {
  const isMade = wasStarted(state);
  const isNetworked = containerOfMode(record.hostConfig.NetworkMode) === undefined ? isMade : state.startedAt !== zeroTime;
  return {
    ResolvConfPath: isNetworked ? record.resolvConfPath : "",
    HostnamePath: isNetworked ? record.hostnamePath : "",
    HostsPath: isNetworked ? record.hostsPath : "",
    LogPath: isMade ? record.logPath : "",
  };
}

function stateView(state: ContainerState): ApiState {
  const { status, health } = state;
  return {
    Status: status,
    Running: status === "running" || status === "paused" || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: state.oomKilled,
    Dead: status === "dead",
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(health === undefined
      ? {}
      : {
          Health: {
            Status: health.status,
            FailingStreak: health.failingStreak,
            Log: health.log.map(({ start, end, exitCode, output }) => ({
              Start: start,
              End: end,
              ExitCode: exitCode,
              Output: output,
            })),
          },
        }),
  };
}
