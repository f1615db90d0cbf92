import { checkJsonBounds, sendError, type HandlerSpec } from "@pouchcontainer/api";
import { failedPrecondition, invalidArgument, notFound } from "@pouchcontainer/errors";
import type { AssistantHandle, AssistantProcess, PulledImage, Supervisor } from "@pouchcontainer/plugin-sdk";
import { createWireServer, paramsHeader, readRequest, sendJson, splitRoutePath } from "@pouchcontainer/plugin-sdk/host";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** Largest question of a plugin, in bytes. */
const maxQuestionBytes = 1024 * 1024;

/** The daemon's side of a plugin's questions: functions that JSON cannot carry across. One per instance, on a socket of its own. */
export class HostCallbacks {
  /** Given to the plugin with its daemon points, as to one in this process; a view of before may be good for nothing any more. */
  supervisor: Supervisor | undefined;
  readonly #server: Server;
  readonly #images = new Map<string, PulledImage>();
  readonly #tables = new Map<string, readonly HandlerSpec[]>();
  readonly #assistants = new Map<string, AssistantHandle>();

  constructor() {
    this.#server = createWireServer((request, response) => this.#handle(request, response));
  }

  async listen(socketPath: string): Promise<void> {
    await new Promise<void>((listening, failed) => {
      this.#server.once("error", failed);
      this.#server.listen(socketPath, listening);
    });
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
    // Any JSON object; members are checked where they are used.
    const question = await readRequest(request, maxQuestionBytes);
    checkJsonBounds(question, { refuse: (problem) => invalidArgument(`the question ${problem}`) });
    const body = JSON.parse(question.toString("utf8")) as Record<string, unknown>;
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

  async #original(
    target: { generation: string; index: number; url: string },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const spec = this.#tables.get(target.generation)?.[target.index];
    if (spec === undefined) throw notFound("that route is not in the table any more");
    // Sent by the plugin as it got them; a handler checks its parameters as those of any request.
    const params = JSON.parse(decodeURIComponent(String(request.headers[paramsHeader] ?? "{}"))) as Record<string, string>;
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

  async #startAssistant(process: unknown): Promise<{ name: string; pid: number | undefined }> {
    if (typeof process !== "object" || process === null) throw invalidArgument("process must be an object");
    const { name, command } = process as Partial<AssistantProcess>;
    if (typeof name !== "string" || typeof command !== "string")
      throw invalidArgument("process.name and process.command must be strings");
    if (this.supervisor === undefined)
      throw failedPrecondition("assistants are started from daemon.preStartHook on: the manifest has to list that point");
    // The two members without a default are strings; the supervisor refuses programs that do not exist.
    const handle = await this.supervisor.start(process as AssistantProcess);
    this.#assistants.set(name, handle);
    return { name, pid: handle.pid };
  }
}

function text(body: Record<string, unknown>, member: string): string {
  const value = body[member];
  if (typeof value !== "string" || value === "") throw invalidArgument(`${member} must be a non-empty string`);
  return value;
}
