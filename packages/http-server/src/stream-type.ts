import { isBelow } from "./api-version.ts";

/** Content types of output. */
export type StreamType = "application/vnd.docker.raw-stream" | "application/vnd.docker.multiplexed-stream";

/** Output without a TTY is framed; since 1.42 the content type says so. */
export function streamType(version: string, tty: boolean): StreamType {
  return tty || isBelow(version, "1.42") ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream";
}
