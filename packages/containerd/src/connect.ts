import { setTimeout as delay } from "node:timers/promises";
import { isKind } from "@pouchcontainer/errors";
import { Introspection } from "./gen/introspection_pb.ts";
import { Namespaces } from "./gen/namespaces_pb.ts";
import { Version } from "./gen/version_pb.ts";
import { GrpcChannel } from "./grpc/channel.ts";
import { callOptions } from "./services/call-context.ts";
import { containersService } from "./services/containers.ts";
import { contentService } from "./services/content.ts";
import { diffService } from "./services/diff.ts";
import { subscribe } from "./services/events.ts";
import { imagesService } from "./services/images.ts";
import { leasesService } from "./services/leases.ts";
import { snapshotsService } from "./services/snapshots.ts";
import { tasksService } from "./services/tasks.ts";
import type { ContainerdClient } from "./types.ts";

export interface ConnectOptions {
  /** Path of containerd's Unix socket. */
  address: string;
  /** containerd's own namespace for everything this client makes; created when missing. */
  namespace: string;
  /** Deadline of calls that have none of their own, in milliseconds; default 30,000. */
  defaultTimeoutMs?: number;
  /** Largest answer accepted, in bytes; default 16 MiB, which is also containerd's limit. */
  maxMessageBytes?: number;
}

/** A containerd that does not even say that it knows our namespace hangs. */
const prepareTimeoutMs = 10_000;
const reconnectDelayMs = { first: 10, most: 500 };

/** A client that connects with its first call, and again with the first call after the connection was lost. */
export function connectContainerd({
  address,
  namespace,
  defaultTimeoutMs = 30_000,
  maxMessageBytes = 16 << 20,
}: ConnectOptions): ContainerdClient {
  const channel = new GrpcChannel({
    address,
    headers: { "containerd-namespace": namespace },
    defaultTimeoutMs,
    maxMessageBytes,
    prepare: async ({ unary }) => {
      try {
        await unary(Namespaces.method.create, { namespace: { name: namespace } }, { timeoutMs: prepareTimeoutMs });
      } catch (error) {
        if (!isKind(error, "alreadyExists")) throw error;
      }
    },
  });
  const context = { channel, namespace };
  const client: ContainerdClient = {
    address,
    namespace,
    containers: containersService(context),
    tasks: tasksService(context),
    content: contentService(context),
    images: imagesService(context),
    diff: diffService(context),
    leases: leasesService(context),
    snapshots: (snapshotter) => snapshotsService(context, snapshotter),
    events: (filters = [], options) => subscribe(context, filters, options),
    async version(options) {
      const { version, revision } = await channel.unary(Version.method.version, {}, callOptions(options));
      return { version, revision };
    },
    async plugins(options) {
      const { plugins } = await channel.unary(Introspection.method.plugins, {}, callOptions(options));
      return plugins.map(({ type, id, capabilities, exports, initErr }) => ({
        type,
        id,
        capabilities,
        exports,
        ...(initErr === undefined ? {} : { error: initErr.message }),
      }));
    },
    async serving(options) {
      try {
        await client.version({ timeoutMs: 5000, ...options });
        return true;
      } catch {
        return false;
      }
    },
    async whenReconnected(options) {
      const { signal } = options ?? {};
      for (let delayMs = reconnectDelayMs.first; ; delayMs = Math.min(delayMs * 2, reconnectDelayMs.most)) {
        try {
          await client.version({ timeoutMs: 5000, ...(signal === undefined ? {} : { signal }) });
          return;
        } catch (error) {
          if (signal?.aborted) throw error;
        }
        // An abort ends the pause, and the next call says so.
        await delay(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      }
    },
    close: () => channel.close(),
  };
  return client;
}
