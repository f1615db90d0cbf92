import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { isKind } from "@pouchcontainer/errors";
import type { Descriptor as WireDescriptor, Mount as WireMount } from "../gen/types_pb.ts";
import type { Descriptor, Mount } from "../types.ts";

export function mountOf(mount: WireMount): Mount {
  const plain: Mount = { type: mount.type, source: mount.source, options: mount.options };
  return mount.target === "" ? plain : { ...plain, target: mount.target };
}

export function descriptorOf(descriptor: WireDescriptor | undefined): Descriptor {
  const plain = { mediaType: descriptor?.mediaType ?? "", digest: descriptor?.digest ?? "", size: Number(descriptor?.size ?? 0) };
  const annotations = descriptor?.annotations ?? {};
  return Object.keys(annotations).length === 0 ? plain : { ...plain, annotations };
}

export function wireDescriptor(descriptor: Descriptor) {
  return { ...descriptor, size: BigInt(descriptor.size) };
}

/** containerd sends the year 1 for "never". */
export function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  const date = timestampDate(timestamp);
  return date.getTime() <= 0 ? undefined : date;
}

export function requiredDate(timestamp: Timestamp | undefined): Date {
  return dateOf(timestamp) ?? new Date(0);
}

/** Field paths that change exactly these labels and leave the others as they are. */
export function labelPaths(labels: Record<string, string>): string[] {
  return Object.keys(labels).map((key) => `labels.${key}`);
}

export async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
  }
}
