import type { ContentDescriptor } from "@pouchcontainer/oci";
import type { ImageServices } from "../containerd-services.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import { type Clock } from "../../registry/retry.ts";
import { adoptContent, downloadBlob } from "./download-blob.ts";

export interface BlobRequest {
  client: Pick<RegistryClient, "openBlob">;
  descriptor: ContentDescriptor;
  labels: Record<string, string>;
  onBytes?: (current: number) => void;
  onVerify?: () => void;
  signal: AbortSignal;
}

/** Downloads each blob once, however many pulls want it at the same time. */
export class BlobFetcher {
  readonly #content: ImageServices["content"];
  readonly #clock: Clock;
  readonly #running = new Map<string, { done: Promise<void>; listeners: Set<(current: number) => void> }>();

  constructor(deps: { content: ImageServices["content"]; clock: Clock }) {
    this.#content = deps.content;
    this.#clock = deps.clock;
  }

  async fetch(request: BlobRequest): Promise<void> {
    const { descriptor, signal } = request;
    for (;;) {
      signal.throwIfAborted();
      if (await adoptContent(this.#content, request)) return;
      const running = this.#running.get(descriptor.digest);
      if (running === undefined) break;
      await this.#follow(running, request);
    }
    await this.#download(request);
  }

  /** Waits for another one's download. Its failure is not ours: it may have been cancelled, or lack our credentials. */
  async #follow(
    { done, listeners }: { done: Promise<void>; listeners: Set<(current: number) => void> },
    { onBytes, signal }: BlobRequest,
  ): Promise<void> {
    if (onBytes) listeners.add(onBytes);
    try {
      await settledOrAborted(done, signal);
    } finally {
      if (onBytes) listeners.delete(onBytes);
    }
  }

  async #download(request: BlobRequest): Promise<void> {
    const listeners = new Set<(current: number) => void>();
    if (request.onBytes) listeners.add(request.onBytes);
    const onBytes = (current: number): void => {
      for (const listener of listeners) listener(current);
    };
    const deps = { content: this.#content, client: request.client, clock: this.#clock };
    const done = downloadBlob(deps, { ...request, onBytes }).finally(() => this.#running.delete(request.descriptor.digest));
    this.#running.set(request.descriptor.digest, { done, listeners });
    await done;
  }
}

function settledOrAborted(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    const settle = (): void => {
      signal.removeEventListener("abort", abort);
      resolve();
    };
    signal.addEventListener("abort", abort, { once: true });
    done.then(settle, settle);
  });
}
