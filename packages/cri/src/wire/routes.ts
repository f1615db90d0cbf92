import { create, fromBinary, toBinary, type DescMethod, type DescService } from "@bufbuild/protobuf";
import type { IncomingHttpHeaders } from "node:http2";
import { EngineError, invalidArgument, notImplemented } from "@pouchcontainer/errors";
import { duringOperation } from "@pouchcontainer/owners";
import { ImageService, RuntimeService } from "../gen/runtime_v1_pb.ts";
import { withEncodedItems } from "./encoded-items.ts";
import { grpcFailureOf, type GrpcFailure } from "./grpc-error.ts";
import type { GrpcStream } from "./grpc-stream.ts";
import type { Call, ImageHandlers, RuntimeHandlers } from "./handlers.ts";
import { apiVersions, serviceOf, type ApiVersion } from "./services.ts";

export interface RouteDeps {
  runtime: RuntimeHandlers;
  images: ImageHandlers;
  /** Aborted when the server begins to close. */
  closing: AbortSignal;
  /** Told of every call that failed, with the path it has on the wire; never of what was in it. */
  failed: (failure: GrpcFailure & { rpc: string }) => void;
}

/** Serves one call to its end, whatever becomes of it. */
export type Route = (stream: GrpcStream, headers: IncomingHttpHeaders) => Promise<void>;

/** Any handler, whichever method it is for. */
type AnyHandler = (request: unknown, call: Call) => unknown;

/** What is served by its path, `/runtime.v1.RuntimeService/Version`: both services under both names. */
export function routesOf(deps: RouteDeps): ReadonlyMap<string, Route> {
  return new Map(
    apiVersions.flatMap((version) => [
      ...routesOfService(RuntimeService, deps.runtime, version, deps),
      ...routesOfService(ImageService, deps.images, version, deps),
    ]),
  );
}

function routesOfService(
  described: DescService,
  handlers: object,
  apiVersion: ApiVersion,
  { closing, failed }: RouteDeps,
): [string, Route][] {
  const service = serviceOf(described, apiVersion);
  return service.methods.map((method) => {
    // A table of handlers has functions of this form only; the types of each are checked where the table is written.
    const handler = (handlers as Record<string, AnyHandler | undefined>)[method.localName] ?? unimplemented(service, method.name);
    const rpc = `${service.typeName}/${method.name}`;
    const serve = method.methodKind === "unary" ? serveUnary : serveStream;
    return [
      `/${rpc}`,
      async (stream, headers) => {
        const signal = method.methodKind === "unary" ? stream.signal : AbortSignal.any([stream.signal, closing]);
        try {
          stream.begin(headers);
          const request = requestOf(method, await stream.message());
          await serve(stream, method, () => duringOperation({ rpc }, () => handler(request, { signal, apiVersion })));
        } catch (thrown) {
          const failure = grpcFailureOf(thrown, signal);
          failed({ ...failure, rpc });
          stream.fail(failure);
        }
      },
    ];
  });
}

const unimplemented =
  (service: DescService, name: string): AnyHandler =>
  () => {
    throw notImplemented(`${service.typeName}.${name} is not implemented`);
  };

function requestOf({ input, name }: DescMethod, bytes: Uint8Array): unknown {
  try {
    return fromBinary(input, bytes);
  } catch (cause) {
    throw invalidArgument(`the message of ${name} is no ${input.name}: ${EngineError.from(cause).message}`, { cause });
  }
}

async function serveUnary(stream: GrpcStream, method: DescMethod, answer: () => unknown): Promise<void> {
  stream.end(encoded(method, await answer()));
}

async function serveStream(stream: GrpcStream, method: DescMethod, answers: () => unknown): Promise<void> {
  // A handler of a streaming method gives what can be iterated.
  for await (const answer of answers() as AsyncIterable<unknown>) {
    await stream.send(encoded(method, answer));
    stream.signal.throwIfAborted();
  }
  // A handler may end by itself when it is called off, which is no good end.
  stream.signal.throwIfAborted();
  stream.end();
}

/** An answer may leave out what is at its default. */
function encoded({ output }: DescMethod, answer: unknown): Uint8Array {
  return toBinary(output, create(output, withEncodedItems(output, answer) as Record<string, unknown>));
}
