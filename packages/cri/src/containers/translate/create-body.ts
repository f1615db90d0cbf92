import type { CriSettings, PodRecord } from "@pouchcontainer/engine";
import { invalidArgument } from "@pouchcontainer/errors";
import type { ContainerConfig, ContainerMetadata } from "../../gen/runtime_v1_pb.ts";
import type { ContainersDeps, CreateBody } from "../containers-deps.ts";
import { signalName } from "../stop-signal.ts";
import { cdiDevices } from "./cdi-devices.ts";
import { containerName } from "./container-name.ts";
import { environment } from "./environment.ts";
import { translateMounts } from "./mounts.ts";
import { bodyResources, hugepageLimits } from "./resources.ts";
import { translateSecurity } from "./security.ts";

/** What depends on the machine. */
type Host = Pick<ContainersDeps, "hasSeccomp" | "apparmorProfiles" | "hostName">;

export interface TranslatedCreate {
  body: CreateBody;
  settings: CriSettings & { identity: NonNullable<CriSettings["identity"]> };
}

/** Label with the pod's id, by which Docker's clients select containers of pods, or hide them. CRI's clients are not told of it. */
export const podLabel = "io.kubernetes.sandbox.id";

/** A container as CRI asks for it: a body of Docker's, which plugins see and change, and what that has no word for. */
export function translateCreate(config: ContainerConfig, pod: PodRecord, host: Host): TranslatedCreate {
  const { metadata, image, command, args, stopSignal } = config;
  if (metadata === undefined || metadata.name === "")
    throw invalidArgument("create container: the request has no metadata with a name");
  if (!image?.image) throw invalidArgument("create container: the request names no image");
  const security = translateSecurity(config.linux?.securityContext, pod.config, host);
  const { mounts, imageVolumes, kept } = translateMounts(config.mounts);
  const { resources } = config.linux ?? {};
  const signal = signalName(stopSignal);
  const devices = cdiDevices(config);
  const inPodNetwork = pod.config.namespaces.network === "pod";
  return {
    body: {
      Name: containerName(metadata, pod.config),
      Image: image.image,
      Hostname: (inPodNetwork ? pod.config.hostname : "") || host.hostName(),
      Env: environment(config.envs),
      Labels: { ...config.labels, [podLabel]: pod.id },
      ...(command.length > 0 && { Entrypoint: [...command] }),
      ...(args.length > 0 && { Cmd: [...args] }),
      ...(config.workingDir !== "" && { WorkingDir: config.workingDir }),
      ...(security.user !== undefined && { User: security.user }),
      ...(config.tty && { Tty: true }),
      ...(config.stdin && { OpenStdin: true }),
      ...(config.stdinOnce && { StdinOnce: true }),
      ...(signal !== undefined && { StopSignal: signal }),
      HostConfig: {
        ...security.hostConfig,
        ...(resources && bodyResources(resources)),
        ...(pod.config.cgroupParent !== "" && { CgroupParent: pod.config.cgroupParent }),
        ...(pod.config.runtimeHandler !== "" && { Runtime: pod.config.runtimeHandler }),
        Annotations: runtimeAnnotations(metadata, pod),
        ...(mounts.length > 0 && { Mounts: mounts }),
        ...(config.devices.length > 0 && { Devices: config.devices.map(bodyDevice) }),
      },
    },
    settings: {
      ...security.settings,
      identity: {
        name: metadata.name,
        attempt: metadata.attempt,
        image: image.userSpecifiedImage || image.image,
        labels: config.labels,
        annotations: config.annotations,
        mounts: kept,
      },
      ...(imageVolumes.length > 0 && { imageVolumes }),
      ...(devices.length > 0 && { cdiDevices: devices }),
      ...(resources && resources.hugepageLimits.length > 0 && { hugepageLimits: hugepageLimits(resources) }),
      ...(resources && Object.keys(resources.unified).length > 0 && { unified: resources.unified }),
    },
  };
}

/** By which hooks of the runtime know what they are called for, under the names containerd's CRI has. The request's own are not the runtime's. */
function runtimeAnnotations({ name }: ContainerMetadata, { id, config: { metadata } }: PodRecord): Record<string, string> {
  return {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": name,
    "io.kubernetes.cri.sandbox-id": id,
    "io.kubernetes.cri.sandbox-name": metadata.name,
    "io.kubernetes.cri.sandbox-namespace": metadata.namespace,
    "io.kubernetes.cri.sandbox-uid": metadata.uid,
  };
}

function bodyDevice({ hostPath, containerPath, permissions }: ContainerConfig["devices"][number]) {
  return { PathOnHost: hostPath, PathInContainer: containerPath || hostPath, CgroupPermissions: permissions || "rwm" };
}
