/** One piece of a process's output. With a TTY everything is `stdout`. */
export interface OutputChunk {
  stream: "stdout" | "stderr";
  data: Uint8Array;
}
