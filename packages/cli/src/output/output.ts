import { legible } from "@pouchcontainer/errors";
import { writeSync } from "node:fs";

/** Where text for the person or the next program goes. A write returns when the bytes are handed over, whole and in order. */
export interface Output {
  /** A text is made legible, whoever it is from: see `written`. Bytes are handed over as they are. */
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

/** The bytes of what is written. What a terminal acts on goes there as bytes alone: what a container prints, and what this program draws. */
export function written(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? Buffer.from(legible(data)) : data;
}

/** Text of which the next program wants every character, as it is where that is a program. */
export function writeData(out: Output, text: string): void {
  out.write(out.isTTY ? text : Buffer.from(text));
}

/** What a daemon sends as text. */
export async function writeText(out: Output, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) out.write(decoder.decode(chunk, { stream: true }));
  out.write(decoder.decode());
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
      let rest = written(data);
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
