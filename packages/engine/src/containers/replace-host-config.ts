import type { HostConfig } from "@pouchcontainer/api";
import { normaliseCreate, verifyCreate } from "./config/index.ts";
import type { Container } from "./container.ts";
import type { ContainerRoom } from "./container-room.ts";
import type { UndoStep } from "./leftovers/unfinished-undos.ts";
import { fillVolumes, makeMounts, referencedContainer } from "./create-container.ts";

/**
 * What a start below API 1.24 may bring: another `HostConfig`, in the place of the one from create. Mounts the container has
 * stay unless something else is mounted at their place. The caller holds the lock of a container that does not run.
 */
export async function replaceHostConfig(room: ContainerRoom, container: Container, requested: HostConfig): Promise<void> {
  const { deps } = room;
  const { record, id } = container;
  // The host's name was chosen at create: it is no request that could contradict a network mode.
  const { Hostname: _hostname, ...config } = record.config;
  const verified = verifyCreate(
    { ...config, HostConfig: requested, NetworkingConfig: record.networkingConfig },
    deps.facts,
    deps.configSettings,
  );
  // The image's configuration is merged in already.
  const image = { config: {} };
  const { hostConfig } = normaliseCreate({
    verified,
    id,
    image,
    facts: deps.facts,
    settings: deps.configSettings,
    container: (ref) => referencedContainer(room, ref),
  });
  const isSameNetwork = hostConfig.NetworkMode === record.hostConfig.NetworkMode;
  const undo: UndoStep[] = [];
  try {
    // Volumes of the configuration were made at create.
    const { mountPoints } = await makeMounts(
      room,
      { id, name: record.name, hostConfig, config: { Volumes: {} }, readOnlyNonRecursive: true },
      undo,
    );
    const taken = new Set(mountPoints.map(({ destination }) => destination));
    await container.change({
      hostConfig,
      mountPoints: [...record.mountPoints.filter(({ destination }) => !taken.has(destination)), ...mountPoints],
      ...(isSameNetwork ? {} : { networkingConfig: {} }),
    });
    deps.volumes.release(id);
    await fillVolumes(room, container);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}
