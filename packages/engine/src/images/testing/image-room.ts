import type { JsonMessage } from "@pouchcontainer/api";
import { bodyOfRequest } from "@pouchcontainer/plugin-sdk/host";
import { dockerNaming } from "@pouchcontainer/oci";
import { createImageManager, type ImageManager, type ImageManagerOptions } from "../image-manager.ts";
import { FakeContainerd } from "./fake-containerd.ts";

export interface PublishedEvent {
  action: string;
  id: string;
  attributes: Record<string, string>;
}

/** Every body as it came. */
export const noPlugins: ImageManagerOptions["chains"] = {
  ask: async () => undefined,
  change: async (point, request) => bodyOfRequest(point, request),
  postPull: async () => undefined,
};

/** An images room on a containerd in memory, with a clock that does not wait. */
export interface ImageRoom {
  images: ImageManager;
  containerd: FakeContainerd;
  events: PublishedEvent[];
  sleeps: number[];
  pull(
    reference: string,
    options?: Partial<Parameters<ImageManager["pull"]>[0]> & { signal?: AbortSignal },
  ): Promise<JsonMessage[]>;
  /** Lines go into `lines`, also of a push that fails. */
  push(
    reference: string,
    options?: Partial<Parameters<ImageManager["push"]>[0]> & { signal?: AbortSignal; lines?: JsonMessage[] },
  ): Promise<JsonMessage[]>;
}

export async function imageRoom(
  options: Partial<ImageManagerOptions> & { containerd?: FakeContainerd } = {},
): Promise<ImageRoom> {
  const containerd = options.containerd ?? new FakeContainerd();
  const events: PublishedEvent[] = [];
  const sleeps: number[] = [];
  const images = await createImageManager({
    chains: noPlugins,
    events: { publish: ({ action, id, attributes }) => void events.push({ action, id, attributes }) },
    snapshotter: "overlayfs",
    naming: dockerNaming,
    platform: { os: "linux", architecture: "amd64" },
    userAgent: "test",
    env: {},
    removal: (work) => work(),
    clock: {
      now: () => Date.parse("2026-01-01T00:00:00Z"),
      sleep: async (milliseconds, signal) => {
        signal?.throwIfAborted();
        sleeps.push(milliseconds);
      },
    },
    warn: () => undefined,
    usedBy: () => [],
    ...options,
    containerd,
  });
  const pull: ImageRoom["pull"] = async (reference, { signal = new AbortController().signal, ...request } = {}) => {
    const lines: JsonMessage[] = [];
    await images.pull({ reference, ...request }, (line) => lines.push(line), signal);
    return lines;
  };
  const push: ImageRoom["push"] = async (reference, { signal = new AbortController().signal, lines = [], ...request } = {}) => {
    await images.push({ reference, ...request }, (line) => lines.push(line), signal);
    return lines;
  };
  return { images, containerd, events, sleeps, pull, push };
}
