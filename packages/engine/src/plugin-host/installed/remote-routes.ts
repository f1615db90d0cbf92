import { routePathProblem, type Handler, type HandlerSpec } from "@pouchcontainer/api";
import { internal, invalidArgument, resourceExhausted } from "@pouchcontainer/errors";
import {
  paramsHeader,
  proxyRequest,
  routePath,
  type BeforeAnswer,
  type RouteOperation,
  type WireClient,
} from "@pouchcontainer/plugin-sdk/host";
import { IncomingMessage, type ServerResponse } from "node:http";
import { routeKey } from "../handler-table.ts";
import { readBody } from "../update-body.ts";

/** The plugin's process as route operations need it. */
export interface RemotePlugin {
  socketPath: string;
  client: WireClient;
  generation: string;
  /** Told of an `after` that failed: the answer is out by then. */
  warn: (message: string) => void;
}

/** Largest answer body that `after` is shown, in bytes. */
const maxShownBody = 1024 * 1024;

/** Most operations in one answer; the daemon itself has about a hundred routes. */
const maxOperations = 2000;

/**
 * The table after a plugin's operations. Throws `internal` for what the plugin got wrong: an operation that is none, one on a missing route,
 * too many of them.
 */
export function applyOperations(shown: readonly HandlerSpec[], operations: unknown, plugin: RemotePlugin): HandlerSpec[] {
  if (!Array.isArray(operations)) throw internal("operations must be an array");
  if (operations.length > maxOperations)
    throw internal(`it answered with ${operations.length} operations; the most are ${maxOperations}`);
  const table = new Map(shown.map((spec) => [routeKey(spec), spec]));
  // Any array; its items are checked one by one.
  for (const [index, value] of (operations as unknown[]).entries()) {
    const operation = checked(value, index);
    const { method, path } = operation;
    const key = routeKey(operation);
    const original = table.get(key);
    if (operation.op === "add") {
      if (original !== undefined)
        throw internal(`operations[${index}]: two routes answer ${method} ${path}; remove or replace the one that is there`);
      table.set(key, { method, path, handler: remoteHandler(plugin, index) });
      continue;
    }
    if (original === undefined) throw internal(`operations[${index}]: there is no route ${method} ${path} to ${operation.op}`);
    if (operation.op === "remove") table.delete(key);
    else if (operation.op === "wrap")
      table.set(key, { ...original, handler: wrapped(original.handler, operation, plugin, index) });
    else table.set(key, { ...original, handler: remoteHandler(plugin, index) });
  }
  return [...table.values()];
}

function checked(value: unknown, index: number): RouteOperation {
  if (typeof value !== "object" || value === null) throw internal(`operations[${index}] must be an object`);
  // Members are checked below.
  const operation = value as Partial<RouteOperation>;
  if (operation.op === undefined || !["add", "remove", "replace", "wrap"].includes(operation.op)) {
    throw internal(
      `operations[${index}].op must be add, remove, replace or wrap, got ${JSON.stringify(operation.op)?.slice(0, 100)}`,
    );
  }
  if (typeof operation.method !== "string" || typeof operation.path !== "string") {
    throw internal(`operations[${index}] needs a method and a path`);
  }
  const problem = routePathProblem(operation.path);
  if (problem !== undefined) throw internal(`operations[${index}].path ${problem}`);
  // `op`, `method` and `path` are there; the rest are flags, compared with `true` where they are used.
  return operation as RouteOperation;
}

function remoteHandler(plugin: RemotePlugin, index: number): Handler {
  return (request, response, params) =>
    proxyRequest(
      {
        socketPath: plugin.socketPath,
        path: `${routePath(plugin.generation, index)}${request.url}`,
        headers: { [paramsHeader]: encodeURIComponent(JSON.stringify(params)) },
      },
      request,
      response,
    );
}

type Wrap = Extract<RouteOperation, { op: "wrap" }>;

function wrapped(original: Handler, wrap: Wrap, plugin: RemotePlugin, index: number): Handler {
  return async (request, response, params) => {
    const about = { generation: plugin.generation, operation: index, method: request.method, url: request.url, params };
    let passed = request;
    if (wrap.before === true) {
      const bytes = wrap.requestBody === true ? await readBody(request) : undefined;
      const body = bytes === undefined ? {} : { body: bytes.toString("utf8") };
      // Members are used only where they have the type they should have.
      const answer = (await plugin.client.call("/ApiPlugin.Before", {
        ...about,
        headers: request.headers,
        ...body,
      })) as BeforeAnswer;
      if (answer.response !== undefined) return respond(response, answer.response);
      if (bytes !== undefined) passed = replay(request, typeof answer.body === "string" ? Buffer.from(answer.body) : bytes);
      for (const [name, value] of Object.entries(answer.headers ?? {})) passed.headers[name.toLowerCase()] = value;
    }
    if (wrap.after === true) notifyAfter(response, wrap, plugin, about);
    await original(passed, response, params);
  };
}

function respond(response: ServerResponse, { status, headers, body }: NonNullable<BeforeAnswer["response"]>): void {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw invalidArgument(`the plugin answered with status ${JSON.stringify(status)}`);
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(body ?? "");
}

/** A request whose body was read, with a body again. */
function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
  const again = new IncomingMessage(request.socket);
  Object.assign(again, {
    method: request.method,
    url: request.url,
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
  });
  again.headers = { ...request.headers, "content-length": String(body.length) };
  delete again.headers["transfer-encoding"];
  again.push(body);
  again.push(null);
  again.complete = true;
  return again;
}

/** Tells the plugin how the request was answered, when it was; the client does not wait for that. */
function notifyAfter(response: ServerResponse, wrap: Wrap, plugin: RemotePlugin, about: object): void {
  const body = wrap.responseBody === true ? recordBody(response) : undefined;
  response.once("close", () => {
    const answer = {
      status: response.statusCode,
      headers: response.getHeaders(),
      ...(body === undefined ? {} : { body: body() }),
    };
    plugin.client.call("/ApiPlugin.After", { ...about, ...answer }, AbortSignal.timeout(10_000)).catch((error: unknown) => {
      plugin.warn(`after a request: ${error instanceof Error ? error.message : String(error)}`);
    });
  });
}

function recordBody(response: ServerResponse): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  const note = (chunk: unknown): void => {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
    const bytes = Buffer.from(chunk);
    if ((size += bytes.length) <= maxShownBody) chunks.push(bytes);
  };
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  // Both keep their signatures: what they get is passed on as it is.
  response.write = ((chunk: unknown, ...rest: unknown[]) => {
    note(chunk);
    return Reflect.apply(write, response, [chunk, ...rest]);
  }) as typeof response.write;
  response.end = ((chunk?: unknown, ...rest: unknown[]) => {
    note(chunk);
    return Reflect.apply(end, response, [chunk, ...rest]);
  }) as typeof response.end;
  return () => {
    if (size > maxShownBody) throw resourceExhausted(`the answer is larger than ${maxShownBody} bytes`);
    return Buffer.concat(chunks).toString("utf8");
  };
}
