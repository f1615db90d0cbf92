import type { ChannelCallOptions, GrpcChannel } from "../grpc/channel.ts";
import type { CallOptions } from "../types.ts";

/** What every service needs: the channel, and how the caller's options become gRPC ones. */
export interface CallContext {
  readonly channel: GrpcChannel;
  readonly namespace: string;
}

export function callOptions(options: CallOptions | undefined, defaultTimeoutMs?: number): ChannelCallOptions {
  return {
    signal: options?.signal,
    timeoutMs: options?.timeoutMs ?? defaultTimeoutMs,
    headers: options?.leaseId === undefined ? undefined : { "containerd-lease": options.leaseId },
  };
}
