import { cancelled } from "@pouchcontainer/errors";
import type { Duplex } from "node:stream";
import { dataHeader } from "./frames.ts";

/** Longer payloads go out in several frames, so that streams take turns. */
const maxPayloadBytes = 64 << 10;
/** Answers a client may leave unread before it is taken for hostile. */
const maxUnsentControlBytes = 64 << 10;

interface WaitingData {
  streamId: number;
  payload: Buffer;
  fin: boolean;
  done: (error?: Error) => void;
}

/** Writes frames of many streams to one connection, at the pace at which it takes them. */
export class FrameWriter {
  readonly #connection: Duplex;
  readonly #onProgress: () => void;
  #waiting: WaitingData[] = [];
  #unsentControlBytes = 0;

  constructor(connection: Duplex, onProgress: () => void) {
    this.#connection = connection;
    this.#onProgress = onProgress;
    connection.on("drain", () => this.#pump());
    connection.once("close", () => this.#pump());
  }

  /** Sends at once, ahead of data that waits. */
  control(frame: Buffer): void {
    if (!this.#connection.writable) return;
    this.#unsentControlBytes += frame.length;
    this.#connection.write(frame, () => {
      this.#unsentControlBytes -= frame.length;
    });
    if (this.#unsentControlBytes > maxUnsentControlBytes) this.#connection.destroy();
  }

  /** Sends data of a stream, in its turn; `done` is called when the connection has taken it, or is closed. */
  data(streamId: number, payload: Buffer, fin: boolean, done: (error?: Error) => void): void {
    this.#waiting.push({ streamId, payload, fin, done });
    this.#pump();
  }

  /** Drops what waits of a stream that was reset. */
  drop(streamId: number): void {
    this.#waiting = this.#waiting.filter((data) => data.streamId !== streamId);
  }

  #pump(): void {
    while (this.#connection.destroyed || !this.#connection.writable || !this.#connection.writableNeedDrain) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (this.#connection.writable) this.#send(next);
      else next.done(cancelled("the client went away"));
    }
  }

  #send({ streamId, payload, fin, done }: WaitingData): void {
    const part = payload.subarray(0, maxPayloadBytes);
    const rest = payload.subarray(part.length);
    this.#connection.cork();
    this.#connection.write(dataHeader(streamId, part.length, fin && rest.length === 0));
    if (part.length > 0) this.#connection.write(part);
    this.#connection.uncork();
    this.#onProgress();
    if (rest.length > 0) this.#waiting.push({ streamId, payload: rest, fin, done });
    else done();
  }
}
