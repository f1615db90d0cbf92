/** One piece of a process's output. With a TTY everything is `stdout`. */
export interface OutputChunk {
  stream: "stdout" | "stderr";
  data: Uint8Array;
  /** Where each message ends in `data`, when it holds several (lines of a log): each is a frame of its own. */
  ends?: number[];
}
