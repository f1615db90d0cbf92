import { EngineError, internal, invalidArgument } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { PluginLog, PluginManifest, PointName } from "@pouchcontainer/plugin-sdk";
import { pluginApiVersion } from "@pouchcontainer/plugin-sdk";
import {
  callHeader,
  entryOf,
  implementsName,
  isObject,
  pointPath,
  splitPoint,
  valuesOf,
  WireClient,
  wireEnvironment,
  type ActivateRequest,
  type AnswerBounds,
  type InvokeContext,
  type PluginInstance,
  type PointAnswer,
  type PointRequest,
  type WireCall,
} from "@pouchcontainer/plugin-sdk/host";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Confinement } from "../confinement/confinement.ts";
import { bodyOf, readBody } from "../update-body.ts";
import { AfterCalls } from "./after-calls.ts";
import { HostCallbacks } from "./host-callbacks.ts";
import { isNotListening } from "./hand-shake.ts";
import { LimitedProcess } from "./limited-process.ts";
import { PluginProcess } from "./plugin-process.ts";
import type { PluginRun } from "./plugin-run.ts";
import { applyOperations } from "./remote-routes.ts";
import { RouteGenerations } from "./route-generations.ts";
import type { Sharing } from "./shared-processes.ts";
import { SocketFolder } from "./socket-folder.ts";

export interface InstalledPluginOptions {
  manifest: PluginManifest;
  /** Folder of the plugin's package.json; its own process's working directory. */
  directory: string;
  configuration: Record<string, unknown>;
  /** The whole environment of its own process, besides the two sockets; of one that it shares, what it may read of. */
  environment: Record<string, string>;
  /** How a JavaScript or TypeScript plugin is run; a plugin with a `command` of its own is run by that. */
  childCommand: (directory: string) => { command: string; args: string[] };
  /** Folder for sockets; each instance makes one of its own in it. The path has to be short: a socket's has at most 107 bytes. */
  runtimeDirectory: string;
  log: PluginLog;
  /** Limits and user of all its processes; released when it is closed. Default: none but the limit of its process's memory. */
  confinement?: Confinement;
  /** What it shares with others, its process first of all; left when it is closed. Default: its process is its own. */
  sharing?: Sharing;
  /** Default: the SDK's. */
  answerBounds?: AnswerBounds;
  startTimeoutMs?: number;
  /** Ends its start. Default: nothing does. */
  calledOff?: AbortSignal;
  /** Told when the process serves again after it had ended. Default: nothing. */
  restarted?: () => void;
}

/** Longest path of a Unix socket. */
const maxSocketPath = 107;

/** Folders of sockets that a daemon which was killed left behind; call it before the first plugin is started. */
export function removeLostSockets(runtimeDirectory: string): void {
  if (!existsSync(runtimeDirectory)) return;
  for (const name of readdirSync(runtimeDirectory))
    if (/^[0-9a-f]{8}$/.test(name)) rmSync(join(runtimeDirectory, name), { recursive: true, force: true });
}

/** A plugin in another process, its own or one that it shares, spoken to in HTTP and JSON over a Unix socket. */
export class InstalledPlugin implements PluginInstance {
  readonly manifest: PluginManifest;
  readonly origin = "installed";
  readonly #options: InstalledPluginOptions;
  readonly #sockets: SocketFolder;
  readonly #process: PluginProcess;
  readonly #client: WireClient;
  readonly #callbacks: HostCallbacks;
  readonly #generations = new RouteGenerations();
  readonly #afters = new AfterCalls();
  #calls = 0;
  #hearCrash: (how: string) => void = () => undefined;

  private constructor(options: InstalledPluginOptions) {
    this.manifest = options.manifest;
    this.#options = options;
    this.#sockets = new SocketFolder(options.runtimeDirectory, "plugin.sock");
    const { socketPath } = this.#sockets;
    if (Buffer.byteLength(socketPath) > maxSocketPath) {
      throw invalidArgument(
        `the path of the plugin's socket, ${socketPath}, is longer than ${maxSocketPath} bytes; choose a shorter --exec-root-dir`,
      );
    }
    this.#client = new WireClient(() => this.#sockets.address, options.answerBounds);
    this.#callbacks = new HostCallbacks();
    this.#process = new PluginProcess({
      run: () => this.#run(),
      handShake: (signal) => this.#handShake(signal),
      log: options.log,
      restarted: options.restarted ?? (() => undefined),
      crashed: (how) => this.#hearCrash(how),
      ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
    });
  }

  /** Starts the process; resolves when it answered the hand-shake. After a failure nothing of it is left. */
  static async start(options: InstalledPluginOptions): Promise<InstalledPlugin> {
    let plugin: InstalledPlugin | undefined;
    try {
      plugin = new InstalledPlugin(options);
      plugin.#sockets.make();
      await plugin.#callbacks.listen(plugin.#hostSocketPath);
      await plugin.confinement?.showSockets(plugin.#sockets.path, plugin.#hostSocketPath);
      await plugin.#process.start(options.calledOff);
      return plugin;
    } catch (error) {
      await (plugin?.close() ?? release(options));
      const { kind, message } = EngineError.from(error);
      throw new EngineError(kind, `plugin "${options.manifest.name}" could not be started: ${message}`, { cause: error });
    }
  }

  /** Of its assistants, too. */
  get confinement(): Confinement | undefined {
    return (this.#options.sharing ?? this.#options).confinement;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What its process complained about last. */
  get complaints(): string {
    return this.#process.complaints;
  }

  get restarts(): number {
    return this.#process.restarts;
  }

  get incarnation(): number {
    return this.#process.restarts;
  }

  get isReady(): boolean {
    return this.#process.isReady;
  }

  onCrash(hear: (how: string) => void): void {
    this.#hearCrash = hear;
  }

  get #hostSocketPath(): string {
    return join(this.#sockets.path, "host.sock");
  }

  async invoke<P extends PointName>(point: P, request: PointRequest<P>, context: InvokeContext): Promise<PointAnswer<P>> {
    const { signal } = context;
    try {
      if (!this.#process.isReady) await this.#process.whenReady(signal);
      this.#calls += 1;
      const call: WireCall = {
        id: `c${this.#calls}`,
        timeoutMs: context.timeoutMs,
        ...(context.container === undefined ? {} : { container: context.container }),
      };
      return await this.#call(point, request, call, context);
    } catch (error) {
      this.#lookAfter(error, signal.aborted);
      throw error;
    }
  }

  answers(): Promise<boolean> {
    return this.#process.answers();
  }

  routesServed(): void {
    this.#generations.served();
  }

  async close(): Promise<void> {
    await this.#process.stop();
    this.#client.close();
    await this.#callbacks.close();
    rmSync(this.#sockets.path, { recursive: true, force: true });
    await release(this.#options);
  }

  async #call<P extends PointName>(
    point: P,
    request: PointRequest<P>,
    call: WireCall,
    context: InvokeContext,
  ): Promise<PointAnswer<P>> {
    const { signal } = context;
    // Each branch handles the request type that belongs to the point, which TypeScript does not narrow a type parameter to.
    const answered = (answer: unknown): PointAnswer<P> => answer as PointAnswer<P>;
    switch (point) {
      case "container.preUpdate":
        return answered(await this.#preUpdate(request as PointRequest<"container.preUpdate">, call, signal));
      case "api.updateHandler":
        return answered(await this.#updateHandler(request as PointRequest<"api.updateHandler">, call, context));
      case "image.postPull": {
        const { snapshotter, image } = request as PointRequest<"image.postPull">;
        const { reference, digest, platform, sizeBytes, config } = image;
        const body = { call, snapshotter, image: { reference, digest, platform, sizeBytes, config } };
        return answered(await this.#callbacks.withImage(call.id, image, () => this.#ask(point, body, signal)));
      }
      case "daemon.preStartHook":
      case "daemon.preStopHook": {
        const { supervisor, stateDirectory } = request as PointRequest<"daemon.preStartHook">;
        this.#callbacks.supervisor = supervisor;
        return answered(await this.#ask(point, { call, stateDirectory }, signal));
      }
      default: {
        const answer = await this.#ask(point, { call, ...request }, signal);
        // A member that the plugin left out is one that it did not change. The caller checks the members themselves.
        return answered({ ...unchanged(point, request), ...answer });
      }
    }
  }

  async #ask(point: PointName, body: object, signal: AbortSignal): Promise<Record<string, unknown>> {
    const answer = await this.#client.call(pointPath(point), body, signal);
    if (!isObject(answer)) throw internal("its answer is not a JSON object");
    return answer;
  }

  /** Too late, or hung up half way, or nobody there: is there still somebody? */
  #lookAfter(error: unknown, late: boolean): void {
    if (late || isNotListening(error))
      inBackground("looking after a plugin that did not answer", () => this.#process.endIfStuck());
  }

  async #preUpdate(
    { body }: PointRequest<"container.preUpdate">,
    call: WireCall,
    signal: AbortSignal,
  ): Promise<PointAnswer<"container.preUpdate">> {
    const headers = { [callHeader]: JSON.stringify(call), "Content-Type": "application/octet-stream" };
    return {
      body: bodyOf(
        await this.#client.post({ path: pointPath("container.preUpdate"), body: await readBody(body), headers, signal }),
      ),
    };
  }

  async #updateHandler(
    { handlers }: PointRequest<"api.updateHandler">,
    call: WireCall,
    { signal, hold = () => () => undefined }: InvokeContext,
  ): Promise<PointAnswer<"api.updateHandler">> {
    const generation = call.id;
    const inUse = this.#generations.ask(generation);
    this.#callbacks.keepTable(generation, handlers, inUse);
    const shown = handlers.map(({ method, path }) => ({ method, path }));
    const sockets = this.#sockets;
    const { operations } = await this.#ask("api.updateHandler", { call, handlers: shown, inUse }, signal);
    const plugin = {
      name: this.manifest.name,
      get socketPath() {
        return sockets.address;
      },
      client: this.#client,
      generation,
      timeoutMs: call.timeoutMs,
      hold: () => this.#generations.hold(generation, hold()),
      afters: this.#afters,
      suspect: (error: unknown, late: boolean) => this.#lookAfter(error, late),
      warn: (message: string) => this.#options.log.warn(message),
    };
    return { handlers: applyOperations(handlers, operations ?? [], plugin) };
  }

  async #handShake(signal: AbortSignal): Promise<void> {
    this.#sockets.takeBack();
    const body: ActivateRequest = {
      apiVersion: pluginApiVersion,
      name: this.manifest.name,
      configuration: this.#options.configuration,
    };
    const answer = await this.#client.call("/Plugin.Activate", body, signal);
    // Checked in the next lines.
    const implemented = (answer as { Implements?: unknown }).Implements;
    if (!Array.isArray(implemented))
      throw invalidArgument("it does not speak the plugin protocol: /Plugin.Activate must answer with Implements");
    for (const point of Object.keys(this.manifest.points)) {
      // Keys of the manifest's points are points.
      const { kind } = splitPoint(point as PointName);
      if (!implemented.includes(implementsName(kind))) {
        throw invalidArgument(`its manifest lists ${point}, but /Plugin.Activate answers without ${implementsName(kind)}`);
      }
    }
  }

  async #run(): Promise<PluginRun> {
    const { manifest, directory, environment, confinement, log, sharing } = this.#options;
    const { name, memoryLimitMb } = manifest;
    const { socketPath } = this.#sockets;
    this.#sockets.give(this.confinement?.user);
    if (sharing !== undefined) return sharing.run({ name, directory, environment, socketPath, hostSocket: this.#hostSocketPath });
    return LimitedProcess.start({ command: this.#command(), confinement, memoryLimitMb, log });
  }

  #command(): { command: string; args: string[]; env: Record<string, string>; workingDirectory: string } {
    const { manifest, directory } = this.#options;
    const [program, ...args] = manifest.command ?? [];
    const run = program === undefined ? this.#options.childCommand(directory) : { command: program, args };
    return {
      ...run,
      env: {
        ...this.#options.environment,
        [wireEnvironment.socket]: this.#sockets.socketPath,
        [wireEnvironment.hostSocket]: this.#hostSocketPath,
      },
      workingDirectory: directory,
    };
  }
}

/** Gives back what an instance was started with. */
async function release({ confinement, sharing }: InstalledPluginOptions): Promise<void> {
  await (sharing?.leave() ?? confinement?.release());
}

/** The answer of a plugin that says nothing. */
function unchanged(point: PointName, request: object): object {
  const { rule, answer } = entryOf(point);
  if (answer === undefined) return {};
  const [same] = rule === "collects" ? [[]] : valuesOf([answer], request);
  return { [answer.name]: same };
}
