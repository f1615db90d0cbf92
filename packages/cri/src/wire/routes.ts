import {
  type Code,
  type ConnectError,
  createConnectRouter,
  type ConnectRouterOptions,
  type HandlerContext,
  type MethodImpl,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { notImplemented } from "@pouchcontainer/errors";
import { duringOperation } from "@pouchcontainer/owners";
import { ImageService, RuntimeService } from "../gen/runtime_v1_pb.ts";
import { withEncodedItems } from "./encoded-items.ts";
import { grpcErrorOf } from "./grpc-error.ts";
import type { Call, ImageHandlers, RuntimeHandlers } from "./handlers.ts";
import { apiVersions, serviceOf, type ApiVersion } from "./services.ts";

export interface RouteDeps {
  runtime: RuntimeHandlers;
  images: ImageHandlers;
  /** Aborted when the server begins to close. */
  closing: AbortSignal;
  /** Told of every call that failed, with the path it has on the wire; never of what was in it. */
  failed: (failure: { rpc: string; error: unknown; code: Code }) => void;
}

/** Any handler, whichever method it is for. */
type AnyHandler = (request: unknown, call: Call) => unknown;

/** What is served by its path, `/runtime.v1.RuntimeService/Version`: both services under both names. */
export function routesOf(deps: RouteDeps, options: ConnectRouterOptions): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter(options);
  for (const version of apiVersions) {
    addService(router, RuntimeService, deps.runtime, version, deps);
    addService(router, ImageService, deps.images, version, deps);
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

function addService(
  router: ReturnType<typeof createConnectRouter>,
  described: DescService,
  handlers: object,
  apiVersion: ApiVersion,
  deps: RouteDeps,
): void {
  const service = serviceOf(described, apiVersion);
  const implementation: Record<string, MethodImpl<DescMethod>> = {};
  for (const { localName, name, methodKind, output } of service.methods) {
    // A table of handlers has functions of this form only; the types of each are checked where the table is written.
    const handler = (handlers as Record<string, AnyHandler | undefined>)[localName] ?? unimplemented(service, name);
    const rpc = `${service.typeName}/${name}`;
    const route = { rpc, apiVersion, output };
    const method = methodKind === "unary" ? unary(handler, route, deps) : stream(handler, route, deps);
    // Of the kind the method is.
    implementation[localName] = method as MethodImpl<DescMethod>;
  }
  router.service(service, implementation);
}

const unimplemented =
  (service: DescService, name: string): AnyHandler =>
  () => {
    throw notImplemented(`${service.typeName}.${name} is not implemented`);
  };

interface Route {
  /** The path it has on the wire, without the slash. */
  readonly rpc: string;
  readonly apiVersion: ApiVersion;
  readonly output: DescMessage;
}

function unary(handler: AnyHandler, { rpc, apiVersion, output }: Route, { failed }: RouteDeps) {
  return async (request: unknown, { signal }: HandlerContext): Promise<unknown> => {
    try {
      const answer = await duringOperation({ rpc }, async () => await handler(request, { signal, apiVersion }));
      return withEncodedItems(output, answer);
    } catch (error) {
      throw told(error, rpc, signal, failed);
    }
  };
}

function stream(handler: AnyHandler, { rpc, apiVersion, output }: Route, { failed, closing }: RouteDeps) {
  return async function* (request: unknown, context: HandlerContext): AsyncGenerator {
    const signal = AbortSignal.any([context.signal, closing]);
    try {
      // A handler of a streaming method gives what can be iterated.
      const answers = duringOperation({ rpc }, () => handler(request, { signal, apiVersion })) as AsyncIterable<unknown>;
      for await (const answer of answers) yield withEncodedItems(output, answer);
    } catch (error) {
      throw told(error, rpc, signal, failed);
    }
  };
}

function told(error: unknown, rpc: string, signal: AbortSignal, failed: RouteDeps["failed"]): ConnectError {
  const answer = grpcErrorOf(error, signal);
  failed({ rpc, error, code: answer.code });
  return answer;
}
