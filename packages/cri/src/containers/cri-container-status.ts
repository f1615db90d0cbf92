import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CriMount } from "@pouchcontainer/engine";
import { MountPropagation, type ContainerStatusSchema, type MountSchema } from "../gen/runtime_v1_pb.ts";
import { criState, exitReason, nanoseconds } from "./container-state.ts";
import { criResources } from "./cri-resources.ts";
import type { ContainersDeps } from "./containers-deps.ts";
import type { PodContainer } from "./find-container.ts";
import { criSignal } from "./stop-signal.ts";

/** All that CRI tells of a container. */
export function criContainerStatus(
  record: PodContainer,
  { images }: Pick<ContainersDeps, "images">,
): MessageInitShape<typeof ContainerStatusSchema> {
  const { state, config, image } = record;
  const { name, attempt, labels, annotations, mounts, image: asked } = record.cri.identity;
  const view = images.view(image.id);
  const { processUser } = record;
  return {
    id: record.id,
    metadata: { name, attempt },
    state: criState(record),
    createdAt: nanoseconds(record.created),
    startedAt: nanoseconds(state.startedAt),
    finishedAt: isOver(record) ? nanoseconds(state.finishedAt) : 0n,
    exitCode: isOver(record) ? state.exitCode : 0,
    // By the name people know, where it has one (containerd does so).
    image: { image: view?.tags[0] ?? view?.digests[0] ?? asked, userSpecifiedImage: asked },
    imageRef: view?.digests[0] ?? image.id,
    imageId: image.id,
    reason: exitReason(record),
    message: state.error,
    labels,
    annotations,
    mounts: mounts.map(criMount),
    logPath: record.logPath,
    resources: { linux: criResources(record) },
    stopSignal: criSignal(config.StopSignal ?? ""),
    ...(processUser && {
      user: {
        linux: {
          uid: BigInt(processUser.uid),
          gid: BigInt(processUser.gid),
          supplementalGroups: processUser.additionalGids.map(BigInt),
        },
      },
    }),
  };
}

/** What a restart of Docker's clients leaves of an end before is not told. */
const isOver = (record: PodContainer): boolean => exitReason(record) !== "";

const propagations = {
  private: MountPropagation.PROPAGATION_PRIVATE,
  hostToContainer: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
  bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
};

function criMount({ propagation, image, imageSubPath, ...mount }: CriMount): MessageInitShape<typeof MountSchema> {
  return {
    ...mount,
    propagation: propagations[propagation],
    ...(image !== undefined && { image: { image } }),
    ...(imageSubPath !== undefined && { imageSubPath }),
  };
}
