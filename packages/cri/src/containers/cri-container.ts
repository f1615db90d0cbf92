import { create } from "@bufbuild/protobuf";
import { ContainerSchema, type Container } from "../gen/runtime_v1_pb.ts";
import { criState, nanoseconds } from "./container-state.ts";
import type { PodContainer } from "./find-container.ts";

/** Records never change, and lists are asked for every second: each is translated once. */
const translated = new WeakMap<PodContainer, Container>();

/** A container as lists show it. */
export function criContainer(record: PodContainer): Container {
  const known = translated.get(record);
  if (known !== undefined) return known;
  const made = translate(record);
  translated.set(record, made);
  return made;
}

function translate(record: PodContainer): Container {
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
}
