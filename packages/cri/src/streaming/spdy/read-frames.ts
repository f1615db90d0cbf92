import { invalidArgument } from "@pouchcontainer/errors";
import { ByteQueue } from "./byte-queue.ts";
import { finFlag, frameHeaderBytes, version } from "./frames.ts";

/** A part of a data frame: `fin` comes with the last one of a stream. */
export interface DataPart {
  type: "data";
  streamId: number;
  chunk: Buffer;
  fin: boolean;
}

export interface ControlFrame {
  type: "control";
  kind: number;
  fin: boolean;
  body: Buffer;
}

const maxControlBytes = 64 << 10;

/**
 * Reads SPDY/3.1 frames. Payloads of data frames are handed out as they come, never gathered. Throws `invalidArgument` for what
 * is none; ends with its source.
 */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<DataPart | ControlFrame> {
  const queue = new ByteQueue();
  let data: { streamId: number; missing: number; fin: boolean } | undefined;
  let control: { kind: number; length: number; fin: boolean } | undefined;
  for await (const piece of source) {
    queue.push(piece);
    for (;;) {
      if (data !== undefined) {
        const { streamId } = data;
        if (data.missing > 0 && queue.length === 0) break;
        const chunk = queue.takeSome(data.missing);
        data.missing -= chunk.length;
        const fin = data.fin && data.missing === 0;
        if (data.missing === 0) data = undefined;
        yield { type: "data", streamId, chunk, fin };
      } else if (control !== undefined) {
        if (queue.length < control.length) break;
        const { kind, fin } = control;
        const body = queue.take(control.length);
        control = undefined;
        yield { type: "control", kind, fin, body };
      } else {
        if (queue.length < frameHeaderBytes) break;
        const header = queue.take(frameHeaderBytes);
        const length = header.readUIntBE(5, 3);
        const fin = (header.readUInt8(4) & finFlag) !== 0;
        if (header.readUInt8(0) < 0x80) data = { streamId: header.readUInt32BE(0), missing: length, fin };
        else control = { kind: controlKind(header, length), length, fin };
      }
    }
  }
}

function controlKind(header: Buffer, length: number): number {
  if (header.readUInt16BE(0) !== (0x8000 | version)) throw invalidArgument("this connection speaks SPDY/3.1");
  if (length > maxControlBytes) throw invalidArgument(`a control frame has ${length} bytes: at most ${maxControlBytes}`);
  return header.readUInt16BE(2);
}
