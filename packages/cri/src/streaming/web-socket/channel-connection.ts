import { cancelled } from "@pouchcontainer/errors";
import { setMaxListeners } from "node:events";
import type { WebSocket } from "ws";
import type { StreamConnection } from "../command-streams.ts";
import { HangupProbe } from "../hangup-probe.ts";
import { IdleTimer } from "../idle-timer.ts";
import type { ChannelCodec } from "./channel-codec.ts";
import { ChannelStream } from "./channel-stream.ts";
import { closeWebSocket } from "./close-web-socket.ts";

export interface ChannelOptions {
  socket: WebSocket;
  codec: ChannelCodec;
  /** By their numbers: whether what the client says in a channel is for somebody. */
  readable: readonly boolean[];
  /** The client can end a channel: `v5.channel.k8s.io`. */
  closable: boolean;
  idleTimeoutMs: number;
}

/** Longer writes go out in several messages, so that channels take turns. */
const maxMessageBytes = 64 << 10;
/** The channel in which a client names another one that it ends (remotecommand, v5). */
const closeChannel = 255;

/** Channels over a WebSocket. What a channel's reader does not take holds up the connection, and by that the client. */
export class ChannelConnection implements StreamConnection {
  readonly channels: readonly ChannelStream[];
  readonly #options: ChannelOptions;
  readonly #gone = new AbortController();
  readonly #idle: IdleTimer;
  readonly #probe: HangupProbe;
  readonly #stalled = new Set<number>();
  readonly signal = this.#gone.signal;

  constructor(options: ChannelOptions) {
    this.#options = options;
    // Everything that is served over the connection may listen.
    setMaxListeners(0, this.signal);
    const { socket, readable, idleTimeoutMs } = options;
    this.#idle = new IdleTimer(idleTimeoutMs, () => socket.terminate());
    this.#probe = new HangupProbe(() => {
      if (socket.bufferedAmount === 0) socket.ping();
    });
    const carrier = {
      send: (channel: number, chunk: Buffer, done: (error?: Error) => void) => this.#send(channel, chunk, done),
      wanted: (channel: number) => this.#resume(channel),
    };
    this.channels = readable.map((_, number) => new ChannelStream(number, carrier));
    socket.binaryType = "nodebuffer";
    // With this type each message is one Buffer.
    socket.on("message", (message: Buffer) => this.#receive(message));
    // A broken connection and wrong frames are told by "close" too.
    socket.on("error", () => undefined);
    socket.once("close", () => this.#close());
    if (socket.readyState === socket.CLOSED) this.#close();
  }

  async finish(): Promise<void> {
    for (const channel of this.channels) channel.destroy();
    await closeWebSocket(this.#options.socket);
  }

  #receive(message: Buffer): void {
    this.#idle.touch();
    const decoded = this.#options.codec.decode(message);
    if (decoded === undefined) return;
    const { channel, chunk } = decoded;
    if (this.#options.closable && channel === closeChannel) return this.channels[chunk[0] ?? closeChannel]?.receiveEnd();
    if (this.#options.readable[channel] !== true || this.channels[channel]?.receive(chunk) !== false) return;
    this.#stalled.add(channel);
    this.#options.socket.pause();
    this.#probe.start();
  }

  #resume(channel: number): void {
    if (!this.#stalled.delete(channel) || this.#stalled.size > 0) return;
    this.#probe.stop();
    this.#options.socket.resume();
  }

  #send(channel: number, chunk: Buffer, done: (error?: Error) => void): void {
    const part = chunk.subarray(0, maxMessageBytes);
    const rest = chunk.subarray(part.length);
    this.#options.socket.send(this.#options.codec.encode(channel, part), (error) => {
      this.#idle.touch();
      if (error) done(error);
      else if (rest.length > 0) this.#send(channel, rest, done);
      else done();
    });
  }

  #close(): void {
    this.#idle.stop();
    this.#probe.stop();
    for (const channel of this.channels) channel.destroy(cancelled("the client went away"));
    this.#gone.abort(cancelled("the client went away"));
  }
}
