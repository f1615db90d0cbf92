import { checkJsonBounds, sendError, type HandlerSpec } from "@pouchcontainer/api";
import { deadlineExceeded, failedPrecondition, invalidArgument, notFound } from "@pouchcontainer/errors";
import type { AssistantHandle, PulledImage, Supervisor } from "@pouchcontainer/plugin-sdk";
import {
  checkedAssistant,
  createWireServer,
  isObject,
  listen,
  paramsHeader,
  readRequest,
  sendJson,
  splitRoutePath,
} from "@pouchcontainer/plugin-sdk/host";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Semaphore } from "../../semaphore.ts";
import { jsonOf } from "../update-body.ts";

/** What a plugin's questions may cost the daemon, whose memory and descriptors are nobody's limit. */
export interface QuestionBounds {
  /** A request that goes through a route of the plugin to the original has one of them for as long as it goes on. */
  connections: number;
  /** Of one question. */
  maxBytes: number;
  /** How long its head may take to come, and from then on its body, whether it is read or waits. */
  withinMs: number;
  /** So many are read at once; the others wait. */
  atOnce: number;
}

const defaultBounds: QuestionBounds = { connections: 512, maxBytes: 1024 * 1024, withinMs: 10_000, atOnce: 8 };

/** The daemon's side of a plugin's questions: functions that JSON cannot carry across. One per instance, on a socket of its own. */
export class HostCallbacks {
  /** Given to the plugin with its daemon points, as to one in this process; a view of before may be good for nothing any more. */
  supervisor: Supervisor | undefined;
  readonly #server: Server;
  readonly #images = new Map<string, PulledImage>();
  readonly #tables = new Map<string, readonly HandlerSpec[]>();
  readonly #assistants = new Map<string, AssistantHandle>();
  readonly #bounds: QuestionBounds;
  readonly #reading: Semaphore;

  constructor(bounds = defaultBounds) {
    const { connections, withinMs, atOnce } = bounds;
    this.#bounds = bounds;
    this.#reading = new Semaphore(atOnce);
    this.#server = createWireServer((request, response) => this.#handle(request, response), { connections, headMs: withinMs });
  }

  async listen(socketPath: string): Promise<void> {
    await listen(this.#server, socketPath);
    this.#server.on("error", () => undefined);
  }

  async close(): Promise<void> {
    await new Promise<void>((closed) => {
      this.#server.close(() => closed());
      this.#server.closeAllConnections();
    });
  }

  /** Answers questions about an image for as long as the call runs. */
  async withImage<T>(call: string, image: PulledImage, work: () => Promise<T>): Promise<T> {
    this.#images.set(call, image);
    try {
      return await work();
    } finally {
      this.#images.delete(call);
    }
  }

  /** Keeps the handlers a plugin may call from its own, besides those of the generations that are in use. */
  keepTable(generation: string, table: readonly HandlerSpec[], inUse: readonly string[]): void {
    for (const known of this.#tables.keys()) if (!inUse.includes(known)) this.#tables.delete(known);
    this.#tables.set(generation, table);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "/";
    const original = splitRoutePath(url);
    if (original !== undefined) return this.#original(original, request, response);
    const body = objectOf(await this.#question(request));
    switch (url) {
      case "/Image.Unpack":
        await this.#image(body).unpack(text(body, "snapshotter"));
        return sendJson(response, {});
      case "/Image.IsUnpacked":
        return sendJson(response, { unpacked: await this.#image(body).isUnpacked(text(body, "snapshotter")) });
      case "/Supervisor.Start":
        return sendJson(response, await this.#startAssistant(body["process"]));
      case "/Supervisor.Stop":
        await this.#assistants.get(text(body, "name"))?.stop();
        return sendJson(response, {});
      default:
        throw notFound(`the daemon does not answer ${url}`);
    }
  }

  async #question(request: IncomingMessage): Promise<Buffer> {
    const { withinMs } = this.#bounds;
    const giveUp = (): void => {
      // What is there and waits for its turn is not late.
      if (!request.complete) request.destroy(deadlineExceeded(`the question did not come within ${withinMs} ms`));
    };
    const timer = setTimeout(giveUp, withinMs);
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    request.once("close", leave);
    try {
      return await this.#reading.run(() => readRequest(request, this.#bounds), gone.signal);
    } finally {
      clearTimeout(timer);
      request.off("close", leave);
    }
  }

  async #original(
    target: { generation: string; index: number; url: string },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const spec = this.#tables.get(target.generation)?.[target.index];
    if (spec === undefined) throw notFound("that route is not in the table any more");
    const params = paramsOf(request.headers[paramsHeader]);
    delete request.headers[paramsHeader];
    request.url = target.url;
    try {
      await spec.handler(request, response, params);
    } catch (error) {
      // The plugin passes it on to the client: as an answer of the route, not as one of this protocol.
      sendError(response, error);
    }
  }

  #image(body: Record<string, unknown>): PulledImage {
    const image = this.#images.get(text(body, "call"));
    if (image === undefined) throw failedPrecondition("that call is over");
    return image;
  }

  async #startAssistant(asked: unknown): Promise<{ name: string; pid: number | undefined }> {
    const process = checkedAssistant(asked);
    if (this.supervisor === undefined)
      throw failedPrecondition("assistants are started from daemon.preStartHook on: the manifest has to list that point");
    const handle = await this.supervisor.start(process);
    this.#assistants.set(process.name, handle);
    return { name: process.name, pid: handle.pid };
  }
}

/** A question; its members are checked where they are used. */
function objectOf(bytes: Buffer): Record<string, unknown> {
  checkJsonBounds(bytes, { refuse: (problem) => invalidArgument(`the question ${problem}`) });
  const question = jsonOf(bytes);
  if (!isObject(question)) throw invalidArgument("the question must be a JSON object");
  return question;
}

/** As the plugin got them; that a handler needs one of them it says itself. */
function paramsOf(header: string | string[] = "%7B%7D"): Record<string, string> {
  try {
    const params: unknown = JSON.parse(decodeURIComponent(String(header)));
    if (isObject(params) && Object.values(params).every((value) => typeof value === "string"))
      // All of them are, by the line above.
      return params as Record<string, string>;
  } catch {
    // It is told what it should be, as for any other that is not.
  }
  throw invalidArgument(`the header ${paramsHeader} must be an object of strings, in percent-encoded JSON`);
}

function text(body: Record<string, unknown>, member: string): string {
  const value = body[member];
  if (typeof value !== "string" || value === "") throw invalidArgument(`${member} must be a non-empty string`);
  return value;
}
