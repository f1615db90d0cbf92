import { routePathProblem, type Handler, type HandlerSpec } from "@pouchcontainer/api";
import { deadlineExceeded, EngineError, internal, messageChain } from "@pouchcontainer/errors";
import { jsonExcess } from "@pouchcontainer/oci";
import {
  isObject,
  paramsHeader,
  pluginFailure,
  proxyRequest,
  routePath,
  type BeforeAnswer,
  type RouteOperation,
  type WireClient,
} from "@pouchcontainer/plugin-sdk/host";
import { IncomingMessage, validateHeaderName, validateHeaderValue, type ServerResponse } from "node:http";
import { isMethod, methodProblem, routeKey, wrapping } from "../handler-table.ts";
import { mostAfterCalls, type AfterCalls } from "./after-calls.ts";
import { maskedFailure, maskedWords } from "../masked-failure.ts";
import { jsonOf, readBody } from "../update-body.ts";

/** The plugin's process as route operations need it. */
export interface RemotePlugin {
  name: string;
  /** Read for each connection; throws while there can be none. */
  readonly socketPath: string;
  client: WireClient;
  generation: string;
  /** How long a request waits for an answer to `before`. */
  timeoutMs: number;
  /** Counts a request as under way in the plugin until what it returns is called. */
  hold: () => () => void;
  afters: AfterCalls;
  /** Told of a call that failed, and whether its time was up: the process may be stuck. */
  suspect: (error: unknown, late: boolean) => void;
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
      table.set(key, { ...original, handler: wrapping(original.handler, wrapped(original.handler, operation, plugin, index)) });
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
  if (!isMethod(operation.method)) throw internal(`operations[${index}].method ${methodProblem(operation.method)}`);
  const problem = routePathProblem(operation.path);
  if (problem !== undefined) throw internal(`operations[${index}].path ${problem}`);
  checkFlags(operation, index);
  // `op`, `method` and `path` are there, and so are only the operation's flags.
  return operation as RouteOperation;
}

const routeWords = new Set(["op", "method", "path"]);
const wrapFlags = new Set(["before", "after", "requestBody", "responseBody"]);

/** A flag that is misspelt, or on an operation that has none, is what the plugin believes to be asked for. */
function checkFlags(operation: Partial<RouteOperation>, index: number): void {
  const at = `operations[${index}]`;
  for (const [name, value] of Object.entries(operation)) {
    if (routeWords.has(name)) continue;
    if (operation.op !== "wrap" || !wrapFlags.has(name))
      throw internal(`${at} must not have the member ${JSON.stringify(name.slice(0, 100))} with op ${operation.op}`);
    if (typeof value !== "boolean") throw internal(`${at}.${name} must be true or false`);
  }
  if (operation.op === "wrap" && operation.before !== true && operation.after !== true)
    throw internal(`${at} wraps a route and asks for neither before nor after`);
}

function remoteHandler(plugin: RemotePlugin, index: number): Handler {
  return async (request, response, params) => {
    const path = `${routePath(plugin.generation, index)}${request.url}`;
    const headers = { [paramsHeader]: encodeURIComponent(JSON.stringify(params)) };
    const release = plugin.hold();
    try {
      await proxyRequest({ socketPath: plugin.socketPath, path, headers }, request, response);
    } catch (error) {
      plugin.suspect(error, false);
      throw pluginFailure(plugin.name, "api.updateHandler", error);
    } finally {
      if (isTakenOver(request, response)) request.socket.once("close", release);
      else release();
    }
  };
}

/** A connection that was upgraded goes through the plugin until its end; its head went out beside the response. */
function isTakenOver(request: IncomingMessage, response: ServerResponse): boolean {
  return request.headers.upgrade !== undefined && !response.headersSent && !request.socket.destroyed;
}

type Wrap = Extract<RouteOperation, { op: "wrap" }>;

function wrapped(original: Handler, wrap: Wrap, plugin: RemotePlugin, index: number): Handler {
  return async (request, response, params) => {
    const about = { generation: plugin.generation, operation: index, method: request.method, url: request.url, params };
    let passed = request;
    if (wrap.before === true) {
      const bytes = wrap.requestBody === true ? await readBody(request) : undefined;
      const body = bytes === undefined ? {} : { body: bytes.toString("utf8") };
      const answer = await askBefore(plugin, response, { ...about, headers: request.headers, ...body });
      if (answer.response !== undefined) return respond(response, answer.response);
      if (bytes !== undefined) passed = replay(request, answer.body === undefined ? bytes : Buffer.from(answer.body));
      for (const [name, value] of Object.entries(withoutFraming(answer.headers))) passed.headers[name.toLowerCase()] = value;
    }
    if (wrap.after === true) notifyAfter(response, wrap, plugin, about);
    await original(passed, response, params);
  };
}

/** What a plugin is told of a request or an answer. */
interface Told {
  url: string | undefined;
  headers: object;
  body?: string;
}

/**
 * What a plugin said of what it was told, and that with the texts in it as the values they stand for: the fields in them say what is a
 * secret. Where there is too much to look through, its words are left out.
 */
function legible(error: unknown, { url, body, ...rest }: Told): [error: unknown, shown: object] {
  const query = [...new URL(url ?? "/", "http://daemon").searchParams];
  const texts = [body ?? "", ...query.map(([, value]) => value)];
  if (texts.some((text) => jsonExcess(Buffer.from(text)) !== undefined)) {
    const words = "what it says is left out: the request is too large to be searched for secrets";
    return [new EngineError(EngineError.from(error).kind, words), {}];
  }
  const values = Object.fromEntries(query.map(([name, value]) => [name, jsonOf(value) ?? value]));
  return [error, { ...rest, query: values, body: body === undefined ? undefined : jsonOf(body) }];
}

/** Asks the plugin about a request, which waits for it: at most `timeoutMs`, and no longer than the client does. */
async function askBefore(plugin: RemotePlugin, response: ServerResponse, question: Told): Promise<BeforeAnswer> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once("close", onClose);
  const time = AbortSignal.timeout(plugin.timeoutMs);
  const release = plugin.hold();
  try {
    return checkedAnswer(await plugin.client.call("/ApiPlugin.Before", question, AbortSignal.any([time, gone.signal])));
  } catch (thrown) {
    const late = time.aborted && !gone.signal.aborted;
    plugin.suspect(thrown, late);
    const error = late ? deadlineExceeded(`no answer to ApiPlugin.Before within ${plugin.timeoutMs} ms`) : thrown;
    throw maskedFailure(plugin.name, "api.updateHandler", ...legible(error, question));
  } finally {
    release();
    response.off("close", onClose);
  }
}

function checkedAnswer(value: unknown): BeforeAnswer {
  if (!isObject(value)) throw internal("its answer to ApiPlugin.Before is not a JSON object");
  const { headers, body, response } = value;
  checkMessage({ headers, body }, "");
  if (response !== undefined) {
    if (!isObject(response)) throw wrong("response", "an object", response);
    const { status } = response;
    if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599)
      throw wrong("response.status", "a status from 200 to 599", status);
    checkMessage(response, "response.");
  }
  return value;
}

function checkMessage({ headers, body }: { headers?: unknown; body?: unknown }, where: string): void {
  if (body !== undefined && typeof body !== "string") throw wrong(`${where}body`, "a string", body);
  if (headers === undefined) return;
  if (!isObject(headers)) throw wrong(`${where}headers`, "an object", headers);
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== "string") throw wrong(`${where}headers.${name}`, "a string", value);
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (cause) {
      throw internal(`${where}headers of its answer to ApiPlugin.Before: ${messageChain(cause)}`, { cause });
    }
  }
}

function wrong(field: string, expected: string, got: unknown): Error {
  return internal(`${field} of its answer to ApiPlugin.Before must be ${expected}, got ${JSON.stringify(got)?.slice(0, 100)}`);
}

/** Headers that say how a message lies on the connection: that is its sender's, here the daemon's, to say. */
const framing = new Set(["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]);

function withoutFraming(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !framing.has(name.toLowerCase())));
}

function respond(response: ServerResponse, { status, headers, body = "" }: NonNullable<BeforeAnswer["response"]>): void {
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    "Content-Type": "application/json",
    ...withoutFraming(headers),
    ...(hasBody ? { "Content-Length": Buffer.byteLength(body) } : {}),
  });
  response.end(hasBody ? body : undefined);
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
function notifyAfter(response: ServerResponse, wrap: Wrap, plugin: RemotePlugin, about: Pick<Told, "url">): void {
  const body = wrap.responseBody === true ? recordBody(response) : undefined;
  response.once("close", () => {
    if (!plugin.afters.enter()) return;
    const shown = body?.();
    const answer = {
      status: response.statusCode,
      headers: response.getHeaders(),
      ...(shown === undefined ? {} : { body: shown }),
    };
    const told = { ...about, ...answer };
    const release = plugin.hold();
    plugin.client
      .call("/ApiPlugin.After", told, AbortSignal.timeout(10_000))
      .catch((error: unknown) => {
        const [shown, about] = legible(error, told);
        plugin.warn(`after a request: ${maskedWords(messageChain(shown), about)}`);
      })
      .finally(() => {
        release();
        const leftOut = plugin.afters.leave();
        if (leftOut > 0)
          plugin.warn(`after a request: it was not told of ${leftOut} more, as ${mostAfterCalls} calls were under way`);
      });
  });
}

/** Undefined for a body that is larger than what is shown. */
function recordBody(response: ServerResponse): () => string | undefined {
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
  return () => (size > maxShownBody ? undefined : Buffer.concat(chunks).toString("utf8"));
}
