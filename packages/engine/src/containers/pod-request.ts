import type { ContainerCreateConfig, HostConfig } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { CriSettings } from "./cri-settings.ts";
import { modesOf, type PodMembership } from "./pod-membership.ts";
import { readLimited } from "../read-limited.ts";

const anyPod: PodMembership = {
  podId: "",
  namespaces: { network: "own", ipc: "own", uts: "own", pid: "own" },
  files: {},
  logPath: "",
};

/**
 * Modes and networks of a container of a pod are the pod's, whatever a plugin has put into its body; and who made the pod decides what
 * becomes of one that has ended.
 */
const neutral: HostConfig = {
  ...modesOf(anyPod),
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
};

/** The body of a create over CRI as Docker's checks are to see it: files it names read, and CRI's defaults where they are not Docker's. */
export function podRequest(
  request: ContainerCreateConfig,
  { pod, cri = {} }: { pod?: PodMembership; cri?: CriSettings },
): ContainerCreateConfig {
  const asked: HostConfig = request.HostConfig ?? {};
  const { Memory = 0, MemorySwap = 0 } = asked;
  const hostConfig: HostConfig = {
    ...asked,
    ...(pod ? neutral : {}),
    // Who says nothing of swap gets none of it.
    ...(Memory > 0 && MemorySwap === 0 ? { MemorySwap: Memory } : {}),
    // As containerd has it: what is privileged manages groups in the host's tree.
    ...(pod && asked.Privileged ? { CgroupnsMode: asked.CgroupnsMode || "host" } : {}),
    ...(cri.seccompPath === undefined ? {} : { SecurityOpt: withSeccomp(asked.SecurityOpt ?? [], cri.seccompPath) }),
  };
  return {
    ...request,
    HostConfig: hostConfig,
    // Who made the pod probes its containers by itself: an image's probe is Docker's clients' only.
    ...(pod ? { NetworkingConfig: {}, Healthcheck: request.Healthcheck ?? { Test: ["NONE"] } } : {}),
  };
}

/** The same for a body of which no more is known than that it came over CRI. */
export function asInAnyPod(request: ContainerCreateConfig): ContainerCreateConfig {
  return podRequest(request, { pod: anyPod });
}

function withSeccomp(options: readonly string[], path: string): string[] {
  return [...options.filter((option) => !/^seccomp[=:]/.test(option)), `seccomp=${profileAt(path)}`];
}

function profileAt(path: string): string {
  try {
    return readLimited(path);
  } catch (cause) {
    throw invalidArgument(`cannot load seccomp profile "${path}": ${EngineError.from(cause).message}`, { cause });
  }
}
