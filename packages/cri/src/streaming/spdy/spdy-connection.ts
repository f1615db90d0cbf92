import { cancelled, EngineError, invalidArgument } from "@pouchcontainer/errors";
import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import type { StreamConnection } from "../command-streams.ts";
import { HangupProbe } from "../hangup-probe.ts";
import { IdleTimer } from "../idle-timer.ts";
import { lingerAndClose } from "../linger-and-close.ts";
import { FrameWriter } from "./frame-writer.ts";
import { ControlType, goAway, ping, ResetReason, rstStream, synReply } from "./frames.ts";
import { decodeHeaders } from "./header-block.ts";
import { HeaderInflater } from "./header-inflater.ts";
import { readFrames, type ControlFrame, type DataPart } from "./read-frames.ts";
import { SpdyStream } from "./spdy-stream.ts";

export interface SpdyOptions {
  /** Errors of it have an owner. */
  connection: Duplex;
  idleTimeoutMs: number;
  /** Open at the same time; more are refused. */
  maxStreams: number;
  /** Told of every new stream; false refuses it. */
  onStream: (stream: SpdyStream) => boolean;
}

/**
 * The server's side of SPDY/3.1 as Kubernetes speaks it: streams that the client makes, without the flow control of windows (no
 * client of Kubernetes has it). What a stream's reader does not take holds up the connection, and by that the client.
 */
export class SpdyConnection implements StreamConnection {
  readonly #options: SpdyOptions;
  readonly #writer: FrameWriter;
  readonly #inflater = new HeaderInflater();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #gone = new AbortController();
  readonly #idle: IdleTimer;
  readonly #probe: HangupProbe;
  readonly signal = this.#gone.signal;
  #lastStreamId = 0;
  #replied = false;

  constructor(options: SpdyOptions) {
    this.#options = options;
    // Everything that is served over the connection may listen.
    setMaxListeners(0, this.signal);
    const { connection, idleTimeoutMs } = options;
    this.#idle = new IdleTimer(idleTimeoutMs, () => connection.destroy());
    this.#writer = new FrameWriter(connection, () => this.#idle.touch());
    // Servers ask with even numbers.
    this.#probe = new HangupProbe(() => {
      if (connection.writableLength === 0) this.#writer.control(ping(2));
    });
    connection.once("close", () => this.#close());
    if (connection.destroyed) this.#close();
  }

  /** Serves the connection until it is closed. A client that does not speak SPDY is cut off. */
  async run(): Promise<void> {
    try {
      for await (const frame of readFrames(this.#options.connection)) {
        this.#idle.touch();
        if (frame.type === "data") await this.#receive(frame);
        else if (frame.kind === ControlType.goAway) break;
        else await this.#control(frame);
      }
    } catch (thrown) {
      // Broken connections and wrong frames end in the same way: nobody is there who could be told.
      EngineError.from(thrown);
    } finally {
      this.#options.connection.destroy();
      this.#close();
    }
  }

  async finish(): Promise<void> {
    for (const stream of this.#streams.values()) stream.destroy();
    this.#writer.control(goAway(this.#lastStreamId));
    await lingerAndClose(this.#options.connection);
  }

  async #receive({ streamId, chunk, fin }: DataPart): Promise<void> {
    // Late frames of a stream that is over are to be expected.
    const stream = this.#streams.get(streamId);
    const stalled = stream?.receive(chunk);
    if (stalled !== undefined) {
      this.#probe.start();
      await stalled;
      this.#probe.stop();
    }
    if (fin) stream?.receiveEnd();
  }

  async #control({ kind, body, fin }: ControlFrame): Promise<void> {
    switch (kind) {
      case ControlType.synStream: {
        const headers = decodeHeaders(await this.#inflater.next(body.subarray(10)));
        return this.#open(streamIdOf(body), headers, fin);
      }
      case ControlType.synReply:
      case ControlType.headers:
        // They change the state of the decompressor, whatever they say.
        await this.#inflater.next(body.subarray(4));
        if (fin) this.#streams.get(streamIdOf(body))?.receiveEnd();
        return;
      case ControlType.rstStream:
        this.#streams.get(streamIdOf(body))?.destroy(cancelled("the client reset the stream"));
        return;
      case ControlType.ping:
        if (streamIdOf(body) % 2 === 1) this.#writer.control(ping(streamIdOf(body)));
        return;
      default:
    }
  }

  #open(id: number, headers: ReadonlyMap<string, string>, fin: boolean): void {
    if (id % 2 === 0 || id <= this.#lastStreamId) return this.#writer.control(rstStream(id, ResetReason.protocolError));
    this.#lastStreamId = id;
    if (this.#streams.size >= this.#options.maxStreams) return this.#writer.control(rstStream(id, ResetReason.refusedStream));
    const stream = new SpdyStream(id, headers, {
      send: (...data) => this.#writer.data(...data),
      release: (streamId, ended) => this.#release(streamId, ended),
    });
    this.#streams.set(id, stream);
    // The answer comes before anything that is written into the stream.
    const answer = synReply(id, !this.#replied);
    this.#replied = true;
    this.#writer.control(answer);
    if (fin) stream.receiveEnd();
    if (!this.#options.onStream(stream)) stream.destroy();
  }

  #release(streamId: number, ended: boolean): void {
    if (!this.#streams.delete(streamId) || ended) return;
    this.#writer.drop(streamId);
    this.#writer.control(rstStream(streamId, ResetReason.cancel));
  }

  #close(): void {
    this.#idle.stop();
    this.#probe.stop();
    this.#inflater.close();
    for (const stream of this.#streams.values()) stream.destroy(cancelled("the client went away"));
    this.#streams.clear();
    this.#gone.abort(cancelled("the client went away"));
  }
}

function streamIdOf(body: Buffer): number {
  if (body.length < 4) throw invalidArgument("a control frame ends too early");
  return body.readUInt32BE(0) & 0x7fffffff;
}
