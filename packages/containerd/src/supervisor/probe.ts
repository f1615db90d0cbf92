import { setTimeout as delay } from "node:timers/promises";
import { Version } from "../gen/version_pb.ts";
import { GrpcChannel } from "../grpc/channel.ts";

const pollMs = 10;
const answerTimeoutMs = 2000;

/** Whether containerd answers on this socket. */
export async function answers(address: string, signal?: AbortSignal): Promise<boolean> {
  const channel = new GrpcChannel({ address, defaultTimeoutMs: answerTimeoutMs, maxMessageBytes: 1 << 20 });
  try {
    await channel.unary(Version.method.version, {}, { signal });
    return true;
  } catch {
    return false;
  } finally {
    await channel.close();
  }
}

/** Resolves with whether it answers before the time is over; `giveUp` ends the wait early, the signal a call that it is in. */
export async function answersWithin(
  address: string,
  timeoutMs: number,
  giveUp: () => boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!giveUp() && performance.now() < deadline) {
    if (await answers(address, signal)) return true;
    await delay(pollMs);
  }
  return false;
}
