import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { EngineError, internal } from "@pouchcontainer/errors";
import { Version } from "../gen/version_pb.ts";
import type { CallEvents, CallRequest } from "./call.ts";
import { abortError, startCall, tooLate } from "./call.ts";
import { Connection } from "./connection.ts";
import { DuplexCall } from "./duplex-call.ts";
import { frame } from "./frames.ts";
import type { KeepAliveOptions } from "./keep-alive.ts";
import { MessageQueue } from "./message-queue.ts";
import { connectionLost } from "./status.ts";

export interface ChannelOptions {
  /** Path of the Unix socket. */
  address: string;
  /** Sent with every call. */
  headers?: OutgoingHttpHeaders;
  /** Deadline of calls without one of their own, streams too, in milliseconds. */
  defaultTimeoutMs: number;
  /** How a server is noticed that holds the connection and does nothing; default: asked every 5 s, silent for 10 s at most. */
  keepAlive?: KeepAliveOptions;
  /** Largest message accepted from the server. */
  maxMessageBytes: number;
  /** A unary call made on every new connection before it is used. */
  prepare?: (channel: Pick<GrpcChannel, "unary">) => Promise<void>;
}

export interface ChannelCallOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds; `Infinity` for none. */
  timeoutMs?: number | undefined;
  headers?: OutgoingHttpHeaders | undefined;
}

/** gRPC calls with typed messages over one connection; every failure is an EngineError. */
export class GrpcChannel {
  readonly #options: ChannelOptions;
  readonly #connection: Connection;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const prepare = options.prepare;
    this.#connection = new Connection({
      address: options.address,
      keepAlive: options.keepAlive ?? { intervalMs: 5000, timeoutMs: 10_000 },
      probe: (session) => this.#unaryOn(session, Version.method.version, {}, { timeoutMs: Infinity }),
      ...(prepare === undefined
        ? {}
        : { prepare: (session) => prepare({ unary: (method, input, call) => this.#unaryOn(session, method, input, call) }) }),
    });
  }

  get address(): string {
    return this.#connection.address;
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    input: MessageInitShape<I>,
    options: ChannelCallOptions = {},
  ): Promise<MessageShape<O>> {
    const session = this.#connection.established ?? (await this.#session(this.#request(method, options)));
    return this.#unaryOn(session, method, input, options);
  }

  /** The call is made at once; messages wait in a short queue until they are read. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    input: MessageInitShape<I>,
    options: ChannelCallOptions = {},
  ): MessageQueue<MessageShape<O>> {
    const queue = new MessageQueue<MessageShape<O>>();
    const request = this.#request(method, options);
    const message = frame(toBinary(method.input, create(method.input, input)));
    const open = (session: ClientHttp2Session) => {
      const stream = startCall(
        session,
        request,
        queue.events((bytes) => fromBinary(method.output, bytes)),
      );
      queue.attach(stream);
      stream.end(message);
    };
    this.#whenConnected(request, open, (error) => queue.fail(error));
    return queue;
  }

  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: ChannelCallOptions = {},
  ): DuplexCall<I, O> {
    const queue = new MessageQueue<MessageShape<O>>();
    const request = this.#request(method, options);
    const call = new DuplexCall<I, O>(method, queue);
    const open = (session: ClientHttp2Session) => {
      const stream = startCall(
        session,
        request,
        queue.events((bytes) => fromBinary(method.output, bytes)),
      );
      queue.attach(stream);
      call.attach(stream);
    };
    this.#whenConnected(request, open, (error) => {
      queue.fail(error);
      call.abandon();
    });
    return call;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #unaryOn<I extends DescMessage, O extends DescMessage>(
    session: ClientHttp2Session,
    method: DescMethodUnary<I, O>,
    input: MessageInitShape<I>,
    options: ChannelCallOptions = {},
  ): Promise<MessageShape<O>> {
    const request = this.#request(method, options);
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    let answer: Uint8Array | undefined;
    const stream = startOn(session, request, {
      message: (bytes) => (answer = bytes),
      done: (error) => {
        if (error !== undefined) return reject(error);
        if (answer === undefined) return reject(internal(`containerd ended its answer to ${request.path} without a message`));
        try {
          resolve(fromBinary(method.output, answer));
        } catch (cause) {
          reject(internal(`containerd sent an answer to ${request.path} that cannot be decoded`, { cause }));
        }
      },
    });
    stream.end(frame(toBinary(method.input, create(method.input, input))));
    return promise;
  }

  #request(method: AnyMethod, options: ChannelCallOptions): CallRequest {
    const timeoutMs = options.timeoutMs ?? this.#options.defaultTimeoutMs;
    return {
      path: pathOf(method),
      headers: { ...this.#options.headers, ...options.headers },
      timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
      signal: options.signal,
      maxMessageBytes: this.#options.maxMessageBytes,
      address: this.address,
    };
  }

  #whenConnected(request: CallRequest, open: (session: ClientHttp2Session) => void, fail: (error: EngineError) => void): void {
    const established = this.#connection.established;
    if (established !== undefined) return open(established);
    this.#session(request)
      .then(open)
      .catch((error: unknown) => fail(EngineError.from(error)));
  }

  /** Waits for the connection as long as the call may take, and is not abandoned by its caller. */
  async #session(request: CallRequest): Promise<ClientHttp2Session> {
    const { path, signal, timeoutMs } = request;
    if (signal?.aborted) throw abortError(signal, path);
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(abortError(signal, path));
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => reject(tooLate(request)), timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([this.#connection.session(), promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

type AnyMethod = { readonly name: string; readonly parent: { readonly typeName: string } };

function pathOf(method: AnyMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** `session.request` throws on a session that has just begun to close; that is the same as not being connected. */
function startOn(session: ClientHttp2Session, request: CallRequest, events: CallEvents) {
  try {
    return startCall(session, request, events);
  } catch (cause) {
    throw connectionLost(request.address, cause);
  }
}
