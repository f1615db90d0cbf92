import { writeSync } from "node:fs";

/** Where text for the person or the next program goes. A write returns when the bytes are handed over, whole and in order. */
export interface Output {
  write(data: string | Uint8Array): void;
  readonly isTTY: boolean;
  /** Width of the terminal, 0 when there is none. */
  columns(): number;
  /** Size of the terminal, when there is one. */
  size(): WindowSize | undefined;
}

export interface WindowSize {
  width: number;
  height: number;
}

/** An Output over a file descriptor. Waits where a terminal or pipe was made non-blocking by someone who shares it. */
export function fileOutput(fd: number, terminal: { isTTY: () => boolean; size: () => WindowSize | undefined }): Output {
  const { size } = terminal;
  return {
    get isTTY() {
      return terminal.isTTY();
    },
    columns: () => size()?.width ?? 0,
    size,
    write(data) {
      let rest = typeof data === "string" ? Buffer.from(data) : data;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(writeSync(fd, rest));
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException; // writeSync throws system errors only
          if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
          else if (code === "EPIPE")
            process.exit(141); // what the shell shows for a writer whose reader went away
          else throw error;
        }
      }
    },
  };
}
