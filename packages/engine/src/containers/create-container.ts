import { makeFolders } from "@pouchcontainer/owners";
import type * as api from "@pouchcontainer/api";
import type { Mount } from "@pouchcontainer/containerd";
import { conflict, invalidArgument } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ResolvedImage } from "../images/image-source.ts";
import type { BodyHistory } from "../plugin-host/body-history.ts";
import { keptCalls } from "../plugin-host/kept-calls.ts";
import type { TraceEntry } from "../plugin-host/trace.ts";
import { removeTree } from "../remove-tree.ts";
import { realiseMounts, type RealisedMounts } from "../volumes/realise-mounts.ts";
import { settleAll } from "../settle-all.ts";
import { ended } from "../ended.ts";
import { rfc3339Nano } from "./clock.ts";
import {
  adaptToOwnFolders,
  checkedContainerName,
  namedInRequest,
  normaliseCreate,
  planMounts,
  type PlanMountsInput,
  verifyCreate,
  type ReferencedContainer,
} from "./config/index.ts";
import { Container } from "./container.ts";
import { gcRootLabel, ownerLabel } from "./container-deps.ts";
import { settingsOf } from "./create-settings.ts";
import { keptAfterItsEnd, tellingWhoChanged } from "./changed-by-plugins.ts";
import { publishContainerEvent } from "./container-events.ts";
import { madeUpName, newContainerId } from "./container-names.ts";
import { zeroTime, type ContainerRecord } from "./container-record.ts";
import { inspectContainer } from "./list-containers.ts";
import { chainContext } from "./network-view.ts";
import { criRecord } from "./cri-record.ts";
import type { CriSettings } from "./cri-settings.ts";
import { modesOf, type PodMembership } from "./pod-membership.ts";
import { podRequest } from "./pod-request.ts";
import type { ContainerRegistry } from "./container-registry.ts";
import type { ContainerRoom } from "./container-room.ts";
import { removeImageViews, resolveImageVolumes, viewImages } from "./image-volumes.ts";
import type { UndoStep } from "./leftovers/unfinished-undos.ts";
import { checkLogConfig } from "./logs/log-options.ts";
import { containerMark, layersOf, withRootfsReader } from "./rootfs.ts";

/** What a request has besides its body: most of it one that came over CRI. */
export interface CreateOrigin {
  pod?: PodMembership;
  cri?: CriSettings;
  /** Calls of plugins that have shaped the request already. */
  calls?: TraceEntry[];
  /** What they made of it. */
  history?: BodyHistory;
  /** See `PlanMountsInput`. */
  readOnlyNonRecursive?: boolean;
  /** Id of the build that it runs a step of. */
  build?: string;
}

/**
 * Makes a container: plugins first, then name, image, volumes, snapshot and record. What a failed create began is taken back
 * in reverse; the record is durable before the answer.
 */
export async function createContainer(
  room: ContainerRoom,
  requested: api.ContainerCreateConfig,
  from: CreateOrigin = {},
): Promise<api.ContainerCreateResponse> {
  const { deps, registry } = room;
  // The list itself: a call in shadow mode may come to it when it ends.
  const { calls = [] } = from;
  const overCri = isOverCri(from);
  const chained = await deps.chains.preCreate(requested, {
    ...requestContext(requested),
    overCri,
    calls,
    ...(from.history && { history: from.history }),
  });
  const request = overCri ? podRequest(chained, from) : chained;
  const id = request.SpecificID || newContainerId();
  if (registry.knows(id)) throw conflict(`Conflict. A container with the id ${id} exists already`);
  const name = await tellingWhoChanged(calls, "Name", () => reservedName(room, request, { id, from }));
  const undo: UndoStep[] = [() => registry.releaseName(name, id)];
  try {
    const record = await prepareRecord(room, request, { id, name, from, calls }, undo);
    if (calls.length > 0) record.trace = keptCalls(calls);
    const container = new Container(record, deps);
    await allocate(room, container, undo);
    // Not earlier: whoever can name it can start it, and remove it.
    registry.add(container);
    deps.volumes.release(id);
    deps.chains.adoptTrace({ id, name }, calls);
    publishContainerEvent(deps.events, record, "create");
    const view = (): { container: api.ContainerInspect } => ({ container: inspectContainer(room, container) });
    deps.chains.tellAfterwards("container.postCreate", view, chainContext(record));
    return { Id: id, Name: name, Warnings: [...(record.warnings ?? []), ...keptAfterItsEnd(requested, request, calls)] };
  } catch (error) {
    for (const step of undo.reverse()) {
      try {
        await step();
      } catch (failure) {
        deps.log.warn("what a failed create had begun could not be taken back yet", { container: id, error: String(failure) });
        room.leftovers.takeBack(id, step);
      }
    }
    throw error;
  }
}

/** How long the end of a container is waited for that was told to be gone. */
const removalPatienceMs = 30_000;

/** Who was told that a container is gone may make another of its name. */
async function promisedNameFree(registry: ContainerRegistry, name: string): Promise<void> {
  await ended(registry.holderOf(name)?.promisedRemoval ?? Promise.resolve(), removalPatienceMs);
}

function isOverCri({ pod, cri }: { pod?: PodMembership | undefined; cri?: CriSettings | undefined }): boolean {
  return pod !== undefined || cri !== undefined;
}

function requestContext(request: api.ContainerCreateConfig): Parameters<ContainerRoom["deps"]["chains"]["preCreate"]>[1] {
  return {
    ...(request.Name ? { containerName: request.Name } : {}),
    ...(request.Labels ? { labels: request.Labels } : {}),
    ...(request.Image ? { image: request.Image } : {}),
    ...(request.Env ? { env: request.Env } : {}),
  };
}

async function reservedName(
  { registry }: ContainerRoom,
  { Name }: api.ContainerCreateConfig,
  { id, from }: { id: string; from: CreateOrigin },
): Promise<string> {
  const name = Name ? checkedContainerName(Name) : madeUpName(registry);
  if (from.pod) await promisedNameFree(registry, name);
  registry.reserveName(name, id);
  return name;
}

async function prepareRecord(
  room: ContainerRoom,
  request: api.ContainerCreateConfig,
  making: { id: string; name: string; from: CreateOrigin; calls: readonly TraceEntry[] },
  undo: UndoStep[],
): Promise<ContainerRecord> {
  const { deps } = room;
  const { id, name, calls } = making;
  const { pod, cri, build, readOnlyNonRecursive = false } = making.from;
  const settings = settingsOf(deps, isOverCri({ pod, cri }));
  const verified = verifyCreate(request, deps.facts, settings);
  const criSettings = cri && criRecord(cri, deps);
  const { Image: reference, Platform: platform } = request;
  if (!reference) throw invalidArgument("no image given: Image cannot be empty");
  const image = await tellingWhoChanged(calls, "Image", () => deps.images.resolve(reference, platform));
  deps.chains.admitImage(image.config.Labels, calls);
  const { config, hostConfig, networkingConfig, warnings, links, path, args } = normaliseCreate({
    verified,
    id,
    image,
    facts: deps.facts,
    settings,
    container: (ref) => referencedContainer(room, ref),
  });
  if (pod) Object.assign(hostConfig, modesOf(pod));
  checkLogConfig(hostConfig.LogConfig?.Type ?? "", hostConfig.LogConfig?.Config ?? {}, {
    labels: config.Labels ?? {},
    env: config.Env ?? [],
  });
  const networked = { ...config, HostConfig: hostConfig, NetworkingConfig: networkingConfig, Name: name };
  await namedInRequest(() => deps.networks.validate(networked));
  const { mountPoints } = await makeMounts(room, { id, name, hostConfig, config, readOnlyNonRecursive }, undo);
  const snapshotter = request.Snapshotter || deps.defaultSnapshotter;
  await tellingWhoChanged(calls, "Snapshotter", () => deps.images.ensureUnpacked(image, snapshotter));
  const imageVolumes = await resolveImageVolumes(deps, cri?.imageVolumes ?? [], snapshotter);
  const directory = join(deps.roots.containers, id);
  return {
    id,
    name,
    created: rfc3339Nano(deps.clock.now()),
    config,
    hostConfig,
    networkingConfig,
    ...(links.length > 0 ? { links } : {}),
    image: { id: image.id, reference, manifestDigest: image.manifestDigest, chainId: image.chainId },
    snapshotter,
    driver: snapshotter,
    mountPoints,
    state: {
      status: "created",
      pid: 0,
      exitCode: 0,
      error: "",
      oomKilled: false,
      startedAt: zeroTime,
      finishedAt: zeroTime,
    },
    restartCount: 0,
    manuallyStopped: false,
    path,
    args,
    ...(pod ? podFiles(pod) : ownFiles(directory, id, hostConfig)),
    platform: platformOf(request, image),
    warnings,
    ...(pod ? { pod } : {}),
    ...(build === undefined ? {} : { build }),
    ...(criSettings ? { cri: { ...criSettings, ...(imageVolumes.length > 0 ? { imageVolumes } : {}) } } : {}),
  };
}

type RecordFiles = Pick<ContainerRecord, "logPath" | "hostnamePath" | "hostsPath" | "resolvConfPath">;

function ownFiles(directory: string, id: string, hostConfig: api.HostConfig): RecordFiles {
  return {
    logPath: hostConfig.LogConfig?.Type === "none" ? "" : join(directory, `${id}-json.log`),
    hostnamePath: join(directory, "hostname"),
    hostsPath: join(directory, "hosts"),
    resolvConfPath: join(directory, "resolv.conf"),
  };
}

function podFiles({ logPath, files: { hostnamePath = "", resolvConfPath = "", hostsPath = "" } }: PodMembership): RecordFiles {
  return { logPath, hostnamePath, hostsPath, resolvConfPath };
}

function platformOf(request: api.ContainerCreateConfig, image: ResolvedImage): string {
  return request.Platform || image.os || "linux";
}

/** What a request may say of another container. */
export function referencedContainer(room: ContainerRoom, ref: string): ReferencedContainer {
  const { id, record } = room.registry.require(ref);
  return {
    id,
    name: record.name,
    networkMode: record.hostConfig.NetworkMode ?? "",
  };
}

/** Plans and makes the mounts of a container; their undoing is pushed. */
export async function makeMounts(
  room: ContainerRoom,
  container: { id: string; name: string } & Pick<PlanMountsInput, "hostConfig" | "config" | "readOnlyNonRecursive">,
  undo: UndoStep[],
): Promise<RealisedMounts> {
  const { id, name, hostConfig, config, readOnlyNonRecursive } = container;
  const plan = planMounts({
    hostConfig,
    config,
    readOnlyNonRecursive,
    sourceExists: existsSync,
    mountsOf: (ref) => room.registry.require(ref).record.mountPoints,
  });
  const ownFolders = { home: dirname(room.deps.roots.containers), exec: dirname(room.deps.roots.exec) };
  const requests = await adaptToOwnFolders(plan.requests, ownFolders);
  const realised = await realiseMounts({ ...plan, requests }, room.deps.volumes, {
    containerId: id,
    context: { containerId: id, containerName: name, labels: config.Labels ?? {}, env: config.Env ?? [] },
  });
  undo.push(() => realised.undo());
  return realised;
}

/** Everything that takes room on disk; the steps do not depend on each other and overlap. */
async function allocate(room: ContainerRoom, container: Container, undo: UndoStep[]): Promise<void> {
  const { deps } = room;
  const { id, record } = container;
  const snapshots = deps.containerd.snapshots(record.snapshotter);
  undo.push(
    () => deps.records.delete(id),
    () => snapshots.remove(id),
    () => removeImageViews(deps, record),
    () => removeTree(container.directory),
  );
  const labels = { [ownerLabel]: id, [gcRootLabel]: rfc3339Nano(deps.clock.now()).replace(/\.\d+Z$/, "Z") };
  // Before there is a record, which would be taken for a container's without it.
  await makeFolders(container.directory, 0o710);
  await settleAll([
    snapshots.prepare(id, record.image.chainId, labels).then(markAsContainer),
    deps.records.put(id, record),
    viewImages(deps, record),
  ]);
  await fillVolumes(room, container);
  // What has its record beside it is a container; what has none by then is a create that was cut short.
  await deps.records.keepCopy(id);
}

async function markAsContainer(mounts: readonly Mount[]): Promise<void> {
  const [own] = layersOf(mounts) ?? [];
  if (own === undefined) return;
  await using mark = await open(join(own, containerMark), "wx", 0o755);
  await mark.chmod(0o755);
}

/** An empty volume takes over what the image has at its place. */
export async function fillVolumes(room: ContainerRoom, container: Container): Promise<void> {
  const empty = container.record.mountPoints.filter(
    ({ type, name, copyData }) => type === "volume" && name !== undefined && copyData,
  );
  if (empty.length === 0) return;
  const { deps } = room;
  const mounts = await deps.containerd.snapshots(container.record.snapshotter).mounts(container.id);
  for (const { name = "", destination } of empty) {
    if (!(await withRootfsReader(deps, container, mounts, (rootfs) => rootfs.resolve(destination) !== undefined))) continue;
    await deps.volumes.fill(name, { containerId: container.id, destination }, (content) =>
      deps.files.copyUp(
        {
          kind: "assembled",
          parts: [
            { place: "/source", mounts, readOnly: true },
            { place: "/target", mounts: [{ type: "bind", source: content, options: ["rbind"] }] },
          ],
          binds: [],
        },
        destination,
      ),
    );
  }
}
