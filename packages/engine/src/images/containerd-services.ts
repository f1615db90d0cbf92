import type { ContainerdClient, ContentInfo } from "@pouchcontainer/containerd";
import { isKind } from "@pouchcontainer/errors";

/** What the images room uses of containerd. */
export type ImageServices = Pick<ContainerdClient, "content" | "images" | "diff" | "leases" | "snapshots" | "whenReconnected">;

/** The garbage collector of containerd follows these labels from an image record to everything it is made of. */
export const gcLabels = {
  config: "containerd.io/gc.ref.content.config",
  layer: (index: number): string => `containerd.io/gc.ref.content.l.${index}`,
  manifest: (index: number): string => `containerd.io/gc.ref.content.m.${index}`,
  snapshot: (snapshotter: string): string => `containerd.io/gc.ref.snapshot.${snapshotter}`,
  expire: "containerd.io/gc.expire",
};

/** Which repositories of a registry have a blob, as containerd notes it for mounts across them: `library/busybox,team/app`. */
export function sourceLabel(domain: string): string {
  return `containerd.io/distribution.source.${domain}`;
}

export async function hasContent(content: ImageServices["content"], digest: string): Promise<boolean> {
  return (await contentSize(content, digest)) !== undefined;
}

/** Bytes of what is here; undefined of what is not. */
export async function contentSize(content: ImageServices["content"], digest: string): Promise<number | undefined> {
  return (await contentInfo(content, digest))?.size;
}

/** The record of what is here; undefined of what is not. */
export async function contentInfo(content: ImageServices["content"], digest: string): Promise<ContentInfo | undefined> {
  try {
    return await content.info(digest);
  } catch (error) {
    if (isKind(error, "notFound")) return undefined;
    throw error;
  }
}
