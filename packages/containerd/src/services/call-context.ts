import type { ChannelCallOptions, GrpcChannel } from "../grpc/channel.ts";
import type { CallOptions } from "../types.ts";

/** What every service needs: the channel, and how the caller's options become gRPC ones. */
export interface CallContext {
  readonly channel: GrpcChannel;
  readonly namespace: string;
}

/**
 * How long a call may take, in milliseconds, where the client's default (what containerd looks up or asks of a shim) is too
 * short. A server that does not answer at all is noticed earlier, and for all calls at once, by the connection.
 */
export const deadlines = {
  /** Everything of a kind, message by message. */
  list: 60_000,
  /** Work on as many files as a snapshot has. */
  files: 120_000,
  /** A run of the garbage collector. */
  collection: 600_000,
  /** Whole layers are moved, or it waits for something to happen: as long as containerd is there and the caller wants it. */
  none: Infinity,
} as const;

export function callOptions(options: CallOptions | undefined, defaultTimeoutMs?: number): ChannelCallOptions {
  return {
    signal: options?.signal,
    timeoutMs: options?.timeoutMs ?? defaultTimeoutMs,
    headers: options?.leaseId === undefined ? undefined : { "containerd-lease": options.leaseId },
  };
}
