import type * as api from "@pouchcontainer/api";
import { isOutage } from "@pouchcontainer/containerd";
import { isKind, messageChain, notImplemented } from "@pouchcontainer/errors";
import type { Readable } from "node:stream";
import type { ImageConfig } from "../images/image-source.ts";
import { applyChanges } from "../images/instructions/apply-changes.ts";
import { layersApart, madeByRuntime, stackedView } from "./changes.ts";
import { withImageConfig } from "./config/index.ts";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerRoom } from "./container-room.ts";
import { pauseContainer, unpauseContainer } from "./pause-container.ts";
import { refuseGone } from "./refuse-gone.ts";

export interface CommitOptions {
  repository?: string;
  tag?: string;
  author: string;
  comment: string;
  /** Freeze it meanwhile: files it writes are whole then. */
  pause: boolean;
  /** Instructions of a Dockerfile that change the image's configuration. */
  changes: readonly string[];
  /** What the image's containers are to be; default: what this one is. */
  config?: api.ContainerConfig;
}

/** Makes an image of a container's files, volumes and other mounts left out, and of its configuration. Returns the image's id. */
export async function commitContainer(
  room: ContainerRoom,
  container: Container,
  options: CommitOptions,
  signal: AbortSignal,
): Promise<string> {
  const { deps } = room;
  const name = deps.images.newName(options.repository, options.tag);
  const config = imageConfig(container.record.config, options);
  return await container.lock.run(async () => {
    refuseGone(container, `You cannot commit container ${container.id} which is being removed`);
    signal.throwIfAborted();
    return await whileFrozen(room, container, options.pause, async () => {
      const { tar, ended } = await containerLayer(room, container);
      try {
        const { author, comment } = options;
        const createdBy = (container.record.config.Cmd ?? []).join(" ");
        const { id: parent } = container.record.image;
        const image = { parent, layer: tar, config, author, comment, createdBy };
        const { id, shown } = await deps.images.makeOnTop(image, name, signal);
        publishContainerEvent(deps.events, container.record, "commit", { comment, imageID: id, imageRef: shown });
        return id;
      } finally {
        tar.destroy();
        await ended;
      }
    });
  });
}

/** What a container changed of its image, as a layer. */
export async function containerLayer(
  { deps }: ContainerRoom,
  container: Container,
): Promise<{ tar: Readable; ended: Promise<void> }> {
  const layers = await layersApart(deps, container);
  if (layers === undefined)
    throw notImplemented(`a container of snapshotter ${container.record.snapshotter} cannot be committed`);
  return await deps.files.layer(stackedView(layers), madeByRuntime(container));
}

/** Thaws a container that was frozen for a commit which its daemon did not live to end. */
export async function finishCommit(room: ContainerRoom, container: Container): Promise<void> {
  if (!container.record.frozenForCommit) return;
  if (container.state.status === "paused") await unpauseContainer(room, container);
  container.note({ frozenForCommit: undefined });
}

async function whileFrozen<T>(room: ContainerRoom, container: Container, pause: boolean, work: () => Promise<T>): Promise<T> {
  if (!pause || container.state.status !== "running") return await work();
  await container.changeIfStored({ frozenForCommit: true });
  try {
    await pauseContainer(room, container).catch((error: unknown) => {
      // It has just ended.
      if (!isKind(error, "conflict")) throw error;
    });
    return await work();
  } finally {
    await thawed(room, container);
  }
}

/** When containerd is back, where it is away. */
async function thawed(room: ContainerRoom, container: Container): Promise<void> {
  const { containerd, log } = room.deps;
  for (;;) {
    try {
      return await finishCommit(room, container);
    } catch (error) {
      if (!isOutage(error)) {
        const fields = { container: container.id, error: messageChain(error) };
        return log.warn("a container that was frozen for a commit could not be thawed", fields);
      }
    }
    await containerd.whenReconnected();
  }
}

/** Fields of a container's configuration that an image has too, as dockerd keeps them. */
const imageFields = [
  "Hostname",
  "Domainname",
  "User",
  "AttachStdin",
  "AttachStdout",
  "AttachStderr",
  "ExposedPorts",
  "Tty",
  "OpenStdin",
  "StdinOnce",
  "Env",
  "Cmd",
  "Healthcheck",
  "Image",
  "Volumes",
  "WorkingDir",
  "Entrypoint",
  "OnBuild",
  "Labels",
  "StopSignal",
  "StopTimeout",
  "Shell",
] as const satisfies readonly (keyof api.ContainerConfig)[];

const isNothing = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0);

function imageConfig(own: api.ContainerConfig, { config = own, changes }: CommitOptions): ImageConfig {
  const merged = withImageConfig(applyChanges(config as ImageConfig, changes), own as ImageConfig);
  return Object.fromEntries(imageFields.flatMap((field) => (isNothing(merged[field]) ? [] : [[field, merged[field]]])));
}
