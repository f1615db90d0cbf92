import { create } from "@bufbuild/protobuf";
import { ContainerSchema, type Container } from "../gen/runtime_v1_pb.ts";
import { criState, nanoseconds } from "./container-state.ts";
import { oncePerRecord } from "../wire/once-per-record.ts";
import type { PodContainer } from "./find-container.ts";

/** A container as lists show it. */
export const criContainer = oncePerRecord((record: PodContainer): Container => {
  const { name, attempt, image, labels, annotations } = record.cri.identity;
  return create(ContainerSchema, {
    id: record.id,
    podSandboxId: record.pod.podId,
    metadata: { name, attempt },
    image: { image },
    imageRef: record.image.id,
    imageId: record.image.id,
    state: criState(record),
    createdAt: nanoseconds(record.created),
    labels,
    annotations,
  });
});
