import { notFound } from "@pouchcontainer/errors";
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import type { AssistantHandle } from "../daemon-plugin.ts";
import { InProcessPlugin } from "../in-process-plugin.ts";
import type { PluginManifest } from "../manifest.ts";
import { parseManifest } from "../parse-manifest.ts";
import type { PluginLog } from "../plugin-call.ts";
import { copyAnswer } from "../json-copy.ts";
import type { InvokeContext, PointRequest } from "../plugin-instance.ts";
import { entryOf, pointNames } from "../point-table.ts";
import { pluginKinds, type PointName } from "../points.ts";
import { authorsStack } from "./authors-stack.ts";
import { WireClient } from "./http-client.ts";
import { importModule } from "./import-module.ts";
import { RouteServer } from "./route-server.ts";
import { callHeader, implementsName, pointPath, type ActivateAnswer, type ActivateRequest, type WireCall } from "./wire.ts";
import { createWireServer, listen, readRequest, sendJson } from "./wire-server.ts";

/** What a plugin is served with. */
export interface ServedPluginOptions {
  /** Folder of the plugin's package.json. */
  directory: string;
  /** Where it listens. */
  socketPath: string;
  /** Where the daemon takes its questions. */
  hostSocket: string;
  /** What it may read of, by the names in its manifest. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Receives log lines. */
  write: (line: string) => void;
  /** Runs code as the plugin's, where it is not alone. */
  enter: <T>(code: () => T) => T;
}

/** Serves one plugin on its socket. Resolves when it listens; it is over when the server is closed. */
export async function servePlugin(options: ServedPluginOptions): Promise<Server> {
  const directory = resolve(options.directory);
  const manifest = parseManifest(JSON.parse(readFileSync(join(directory, "package.json"), "utf8")));
  const host = new WireClient(options.hostSocket);
  const served = new ServedPlugin(manifest, host, { ...options, directory });
  const server = createWireServer((request, response) => options.enter(() => served.handle(request, response)));
  server.once("close", () => host.close());
  await listen(server, options.socketPath);
  return server;
}

const pointsByPath: ReadonlyMap<string, PointName> = new Map(pointNames.map((point) => [pointPath(point), point]));

class ServedPlugin {
  readonly #manifest: PluginManifest;
  readonly #directory: string;
  readonly #host: WireClient;
  readonly #routes: RouteServer;
  readonly #log: PluginLog;
  readonly #environment: Record<string, string>;
  #instance: Promise<InProcessPlugin> | undefined;

  constructor(manifest: PluginManifest, host: WireClient, options: ServedPluginOptions) {
    this.#manifest = manifest;
    this.#directory = options.directory;
    this.#host = host;
    this.#routes = new RouteServer(options.hostSocket);
    this.#environment = Object.fromEntries(
      manifest.environment.flatMap((name) =>
        options.environment[name] === undefined ? [] : [[name, options.environment[name]]],
      ),
    );
    const at =
      (level: number) =>
      (message: string): void =>
        options.write(
          message
            .split("\n")
            .map((line) => `<${level}>${line}\n`)
            .join(""),
        );
    this.#log = { debug: at(7), info: at(6), warn: at(4), error: at(3) };
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "/";
    if (await this.#routes.handle(url, request, response)) return;
    if (url === "/Plugin.Activate") return sendJson(response, await this.#activate(await readRequest(request)));
    const point = pointsByPath.get(url);
    if (point === undefined || this.#instance === undefined) throw notFound(`this plugin does not answer ${url}`);
    const instance = await this.#instance;
    if (point === "container.preUpdate") return this.#preUpdate(instance, request, response);
    if (point === "api.updateHandler") return this.#updateHandler(instance, request, response);
    await this.#point(instance, point, request, response);
  }

  /** The hand-shake brings the configuration; the plugin's module is loaded then, once. */
  async #activate(body: Buffer): Promise<ActivateAnswer> {
    // Sent by the daemon, which checked the configuration against the manifest; Docker's own hand-shake has no body.
    const { configuration = {} } = (body.length === 0 ? {} : JSON.parse(body.toString("utf8"))) as Partial<ActivateRequest>;
    this.#instance ??= InProcessPlugin.load({
      manifest: this.#manifest,
      load: () => importModule(this.#directory, this.#manifest.main),
      settings: { configuration, environment: this.#environment },
      origin: "installed",
    });
    await this.#instance.catch((error: unknown) => {
      // The answer has its message alone, its author wants to know where.
      const stack = authorsStack(error);
      if (stack !== undefined) this.#log.error(stack);
      throw error;
    });
    const kinds = pluginKinds.filter((kind) => Object.keys(this.#manifest.points).some((point) => point.startsWith(`${kind}.`)));
    return { Implements: kinds.map(implementsName) };
  }

  async #preUpdate(instance: InProcessPlugin, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Sent by the daemon with every raw call.
    const call = JSON.parse(String(request.headers[callHeader] ?? "{}")) as WireCall;
    const { body } = await instance.invoke("container.preUpdate", { body: request }, this.#context(call, response));
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<string | Uint8Array>) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": bytes.length });
    response.end(bytes);
  }

  async #point(
    instance: InProcessPlugin,
    point: Exclude<PointName, "api.updateHandler" | "container.preUpdate">,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { call, members } = await readCall(request);
    const answer = await instance.invoke(point, this.#request(point, members, call), this.#context(call, response));
    // What JSON cannot hold is named here: of some of it nothing would arrive.
    sendJson(response, Object.fromEntries(Object.entries(answer).map(([name, member]) => [name, copyAnswer(member)])));
  }

  async #updateHandler(instance: InProcessPlugin, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { call, members } = await readCall(request);
    // The daemon sends method and path of every route it shows.
    const shown = members["handlers"] as { method: string; path: string }[];
    const inUse = members["inUse"] as string[] | undefined;
    const before = this.#routes.tableOf(call.id, shown);
    const answer = await instance.invoke("api.updateHandler", { handlers: [...before] }, this.#context(call, response));
    sendJson(response, { operations: this.#routes.operations(call.id, before, answer.handlers, inUse) });
  }

  /** Adds to a request what JSON cannot carry: functions that ask the daemon. */
  #request<P extends PointName>(point: P, members: Record<string, unknown>, call: WireCall): PointRequest<P> {
    let request = members;
    if (point === "image.postPull") {
      const ask = (path: string, snapshotter: string): Promise<unknown> => this.#host.call(path, { call: call.id, snapshotter });
      const image = {
        ...(members["image"] as object),
        unpack: async (snapshotter: string) => {
          await ask("/Image.Unpack", snapshotter);
        },
        isUnpacked: async (snapshotter: string) =>
          ((await ask("/Image.IsUnpacked", snapshotter)) as { unpacked: boolean }).unpacked,
      };
      request = { ...members, image };
    } else if (entryOf(point).rule === "supervises") {
      request = { ...members, supervisor: { start: (process: unknown) => this.#startAssistant(process) } };
    }
    // The daemon sends each point the members its request type has; what JSON lacks was added above.
    return request as unknown as PointRequest<P>;
  }

  async #startAssistant(process: unknown): Promise<AssistantHandle> {
    // The daemon's answer to this question.
    const { name, pid } = (await this.#host.call("/Supervisor.Start", { process })) as { name: string; pid: number };
    return {
      name,
      pid,
      restarts: 0,
      stop: async () => {
        await this.#host.call("/Supervisor.Stop", { name });
      },
    };
  }

  #context(call: WireCall, response: ServerResponse): InvokeContext {
    const controller = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) controller.abort(new Error("the daemon gave the call up"));
    });
    return {
      signal: controller.signal,
      log: this.#log,
      timeoutMs: call.timeoutMs,
      ...(call.container === undefined ? {} : { container: call.container }),
    };
  }
}

async function readCall(request: IncomingMessage): Promise<{ call: WireCall; members: Record<string, unknown> }> {
  // The daemon's own JSON: a call and the members of the point's request.
  const { call, ...members } = JSON.parse((await readRequest(request)).toString("utf8")) as { call: WireCall } & Record<
    string,
    unknown
  >;
  return { call, members };
}
