import type { Socket } from "node:net";

/** What streams need to know of the server that carries them. */
export interface Lifetime {
  /** Aborted when the server begins to close: streams that never end by themselves end now. */
  closing: AbortSignal;
  /** Aborted when the time for work in flight is over. */
  expired: AbortSignal;
  /** Connections taken over (attach, exec); the server ends them when it closes. */
  takenOver: Set<Socket>;
  /** Whether the other end of the connection has read all that was sent to it; over a network, whether its machine has it. */
  allRead: (fd: number) => boolean;
}
