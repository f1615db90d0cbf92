import type { OutputChunk } from "./backend.ts";

/** Stream numbers in the head of a frame; `systemError` makes Docker's clients fail with the text in the frame. */
const streams = { stdin: 0, stdout: 1, stderr: 2, systemError: 3 } as const;

const headBytes = 8;

/** One frame of Docker's multiplexed stream: stream number, three zero bytes, length (big endian), data. */
export function frame(stream: keyof typeof streams, data: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(headBytes + data.length);
  writeHead(framed, 0, stream, data.length);
  framed.set(data, headBytes);
  return framed;
}

function writeHead(into: Buffer, at: number, stream: keyof typeof streams, size: number): void {
  into.writeUInt32BE(streams[stream] * 0x1000000, at);
  into.writeUInt32BE(size, at + 4);
}

/** Output as it goes over the wire: framed, each message on its own, or bare with a TTY. */
export function encodeOutput({ stream, data, ends = [data.length] }: OutputChunk, tty: boolean): Uint8Array {
  if (tty) return data;
  if (ends.length === 1) return frame(stream, data);
  const framed = Buffer.allocUnsafe(data.length + ends.length * headBytes);
  let from = 0;
  let at = 0;
  for (const end of ends) {
    writeHead(framed, at, stream, end - from);
    framed.set(data.subarray(from, end), at + headBytes);
    at += headBytes + end - from;
    from = end;
  }
  return framed;
}

/** The frame that says why the output ends early. */
export function errorFrame(message: string): Buffer {
  return frame("systemError", Buffer.from(message));
}
