import type { OutputChunk } from "./backend.ts";

/** Stream numbers in the head of a frame; `systemError` makes Docker's clients fail with the text in the frame. */
const streams = { stdin: 0, stdout: 1, stderr: 2, systemError: 3 } as const;

/** One frame of Docker's multiplexed stream: stream number, three zero bytes, length (big endian), data. */
export function frame(stream: keyof typeof streams, data: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(8 + data.length);
  framed.writeUInt32BE(streams[stream] * 0x1000000, 0);
  framed.writeUInt32BE(data.length, 4);
  framed.set(data, 8);
  return framed;
}

/** Output as it goes over the wire: framed, or bare with a TTY. */
export function encodeOutput(chunk: OutputChunk, tty: boolean): Uint8Array {
  return tty ? chunk.data : frame(chunk.stream, chunk.data);
}

/** The frame that says why the output ends early. */
export function errorFrame(message: string): Buffer {
  return frame("systemError", Buffer.from(message));
}
