import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { ImageService, RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { ApiVersion } from "./services.ts";

/** What a handler knows of the call beside its request. */
export interface Call {
  /**
   * Aborted when the client cancels or its deadline passes, when its connection breaks, when the call has ended, and when the
   * daemon stops: for streams at once, for other calls after a time of grace.
   */
  readonly signal: AbortSignal;
  /** By which of the two names the service was called. */
  readonly apiVersion: ApiVersion;
}

/**
 * One RPC. It throws kinds of `@pouchcontainer/errors`, which become gRPC codes in one place; an answer is given as the members that
 * are not at their defaults.
 */
export type Handler<Method extends DescMethod> =
  Method extends DescMethodUnary<infer Input, infer Output>
    ? (request: MessageShape<Input>, call: Call) => Promise<MessageInitShape<Output>>
    : Method extends DescMethodServerStreaming<infer Input, infer Output>
      ? (request: MessageShape<Input>, call: Call) => AsyncIterable<MessageInitShape<Output>>
      : never;

/** RPCs of a service by the name they have in its descriptor (`runPodSandbox`). What is not there is answered Unimplemented. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]?: Handler<Service["method"][Name]>;
};

export type RuntimeHandlers = Handlers<typeof RuntimeService>;
export type ImageHandlers = Handlers<typeof ImageService>;
