import type { ClientHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { EngineError } from "@pouchcontainer/errors";
import { internal } from "@pouchcontainer/errors";
import type { CallEvents } from "./call.ts";

/** Messages read ahead before the stream is held back: the server waits, not our memory. */
const highWater = 16;

/** The answers of a streaming call: an iterator that holds the stream back when nobody reads, and cancels the call when it is left early. */
export class MessageQueue<T> implements AsyncIterableIterator<T> {
  #messages: T[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #ended = false;
  #error: EngineError | undefined;
  #stream: ClientHttp2Stream | undefined;
  #left = false;

  attach(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    if (this.#left) stream.close(constants.NGHTTP2_CANCEL);
  }

  events(decode: (bytes: Uint8Array) => T): CallEvents {
    return {
      message: (bytes) => {
        try {
          this.#push(decode(bytes));
        } catch (cause) {
          throw internal("containerd sent a message that cannot be decoded", { cause });
        }
      },
      done: (error) => this.#end(error),
    };
  }

  fail(error: EngineError): void {
    this.#end(error);
  }

  async next(): Promise<IteratorResult<T>> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      if (this.#messages.length < highWater / 2 && this.#stream?.isPaused() === true) this.#stream.resume();
      return { done: false, value: message };
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#ended) return { done: true, value: undefined };
    const waiting = Promise.withResolvers<IteratorResult<T>>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** Cancels the call; what was not read is dropped. */
  async return(): Promise<IteratorResult<T>> {
    this.#left = true;
    this.#messages = [];
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    this.#end(undefined);
    this.#error = undefined;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #push(message: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting.resolve({ done: false, value: message });
    this.#messages.push(message);
    if (this.#messages.length >= highWater) this.#stream?.pause();
  }

  #end(error: EngineError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const waiting of this.#waiting.splice(0)) {
      if (error === undefined) waiting.resolve({ done: true, value: undefined });
      else waiting.reject(error);
    }
  }
}
