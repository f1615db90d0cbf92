import type { Volume } from "@pouchcontainer/api";
import { stat } from "node:fs/promises";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { makeOpenFolders } from "@pouchcontainer/owners";
import { namedInRequest, type MountPlan, type MountRequest } from "../containers/config/index.ts";
import type { MountPointRecord } from "../containers/container-record.ts";
import type { VolumeHolder, VolumeManager } from "./volume-manager.ts";

/** A container's mounts, and the way back when its create fails later. */
export interface RealisedMounts {
  mountPoints: MountPointRecord[];
  /** Removes the volumes made for this container. */
  undo: () => Promise<void>;
}

/** Makes the volumes of a plan; when one cannot be made, those made before it are removed again. */
export async function realiseMounts(
  plan: MountPlan,
  volumes: Pick<VolumeManager, "createFor" | "release" | "remove">,
  holder: VolumeHolder,
): Promise<RealisedMounts> {
  const made: string[] = [];
  const undo = async (): Promise<void> => {
    volumes.release(holder.containerId);
    for (const name of made.splice(0)) await volumes.remove(name, { force: true, unasked: true });
  };
  const mountPoints = [...plan.inherited];
  try {
    for (const request of plan.requests) {
      if (request.type !== "volume") {
        mountPoints.push(plainMount(request));
        continue;
      }
      const { volume, created } = await namedInRequest(() => volumes.createFor(volumeConfig(request), holder));
      if (created) made.push(volume.Name);
      mountPoints.push(volumeMount(request, volume));
    }
  } catch (error) {
    await undo();
    throw error;
  }
  return { mountPoints, undo };
}

function volumeConfig({ source, spec }: MountRequest): Parameters<VolumeManager["createFor"]>[0] {
  const { Labels, DriverConfig } = spec.VolumeOptions ?? {};
  return {
    Name: source,
    ...(DriverConfig?.Name ? { Driver: DriverConfig.Name } : {}),
    ...(DriverConfig?.Options ? { DriverOpts: DriverConfig.Options } : {}),
    ...(Labels ? { Labels } : {}),
  };
}

function plainMount(request: MountRequest): MountPointRecord {
  const { type, source, destination, mode, rw, propagation, spec, createSource } = request;
  return { type, source, destination, mode, rw, propagation, spec, ...(createSource ? { createSource } : {}) };
}

function volumeMount(request: MountRequest, volume: Volume): MountPointRecord {
  const { destination, rw, propagation, spec, copyData } = request;
  const anonymous = request.source === "";
  // Docker shows its own default label mode for volumes that were asked for, and nothing for an image's.
  const mode = request.mode || (request.fromImage ? "" : "z");
  return {
    type: "volume",
    name: volume.Name,
    source: volume.Mountpoint,
    destination,
    driver: volume.Driver,
    mode,
    rw,
    propagation,
    spec,
    copyData,
    anonymous,
  };
}

/** Before a start: makes the missing source folders of binds that ask for it; a source that is missing otherwise is an error. */
export async function prepareBindSources(mountPoints: readonly MountPointRecord[]): Promise<void> {
  for (const { type, source, createSource } of mountPoints) {
    if (type !== "bind") continue;
    if (createSource && (await stat(source).catch(() => undefined)) === undefined)
      await makeOpenFolders(source).catch((cause: unknown) => {
        throw sourceRefused(source, cause);
      });
    try {
      await stat(source);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT")
        throw invalidArgument(`invalid mount config for type "bind": bind source path does not exist: ${source}`, { cause });
      throw sourceRefused(source, cause);
    }
  }
}

function sourceRefused(source: string, cause: unknown): EngineError {
  const { kind, message } = EngineError.from(cause);
  const { code, syscall, path } = cause as NodeJS.ErrnoException;
  // As Go has it, which tools parse: the call, the path, and what is wrong with it.
  const text = syscall === undefined ? message : `${syscall} ${path}: ${/^[A-Z0-9]+: (.*?),/.exec(message)?.[1] ?? code}`;
  return new EngineError(kind, `error while creating mount source path '${source}': ${text}`, { cause });
}
