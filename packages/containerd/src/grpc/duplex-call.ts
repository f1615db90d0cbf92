import type { DescMessage, DescMethodBiDiStreaming, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ClientHttp2Stream } from "node:http2";
import { frame, frameHead } from "./frames.ts";
import type { MessageQueue } from "./message-queue.ts";

/** A call in which both sides send messages. Answers come from `answers`; a failed call fails there, never in `send`. */
export class DuplexCall<I extends DescMessage, O extends DescMessage> {
  readonly answers: MessageQueue<MessageShape<O>>;
  readonly #method: DescMethodBiDiStreaming<I, O>;
  readonly #attached = Promise.withResolvers<ClientHttp2Stream | undefined>();
  #stream: ClientHttp2Stream | undefined;

  constructor(method: DescMethodBiDiStreaming<I, O>, answers: MessageQueue<MessageShape<O>>) {
    this.#method = method;
    this.answers = answers;
  }

  attach(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    this.#attached.resolve(stream);
  }

  /** There will be no stream; what is sent goes nowhere and `answers` has the error. */
  abandon(): void {
    this.#attached.resolve(undefined);
  }

  /** Resolves when the connection takes more; the server has not necessarily seen the message. */
  async send(message: MessageInitShape<I>): Promise<void> {
    const stream = this.#stream ?? (await this.#attached.promise);
    if (stream !== undefined) await drained(stream, stream.write(frame(this.#encode(message))));
  }

  /**
   * Sends `message` with one more `bytes` field, given apart in pieces, so that its bytes are not copied; fields of a message may
   * come in any order. The pieces must not be changed afterwards.
   */
  async sendWithBytes(message: MessageInitShape<I>, fieldNumber: number, pieces: Uint8Array[]): Promise<void> {
    const stream = this.#stream ?? (await this.#attached.promise);
    if (stream === undefined) return;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const head = Buffer.concat([this.#encode(message), varint(fieldNumber * 8 + 2), varint(length)]);
    stream.cork();
    let more = stream.write(frameHead(head, length));
    for (const piece of pieces) more = stream.write(piece);
    stream.uncork();
    await drained(stream, more);
  }

  end(): void {
    this.#stream?.end();
  }

  async cancel(): Promise<void> {
    await this.answers.return();
  }

  #encode(message: MessageInitShape<I>): Uint8Array {
    return toBinary(this.#method.input, create(this.#method.input, message));
  }
}

async function drained(stream: ClientHttp2Stream, more: boolean): Promise<void> {
  if (more || stream.destroyed || stream.closed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = () => {
    stream.off("drain", settle);
    stream.off("close", settle);
    resolve();
  };
  stream.on("drain", settle);
  stream.on("close", settle);
  await promise;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
