import type * as api from "@pouchcontainer/api";
import { isOutage } from "@pouchcontainer/containerd";
import { conflict, EngineError, failedPrecondition, invalidArgument, isKind, notFound } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { newContainerId } from "../containers/container-names.ts";
import type { Container } from "../containers/container.ts";
import { publishContainerEvent } from "../containers/container-events.ts";
import type { ContainerRoom } from "../containers/container-room.ts";
import { execStreamsDirectory } from "../containers/exec-streams.ts";
import { networkedContainer } from "../containers/network-view.ts";
import { whileRunning } from "../containers/process-gone.ts";
import { withRootfsReader } from "../containers/rootfs.ts";
import { runtimeFailure } from "../containers/runtime-failure.ts";
import { waitForExit } from "../containers/settle-exit.ts";
import { buildProcess } from "../containers/spec/index.ts";
import { parseDetachKeys } from "../containers/stdio/detach-keys.ts";
import type { OutputChunk } from "../containers/stdio/output-chunk.ts";
import { ProcessStdio } from "../containers/stdio/process-stdio.ts";
import { sessionInput, type StdioSession } from "../containers/stdio/stdio-session.ts";
import { collectOutput, type RunSyncOptions, type RunSyncResult } from "./collect-output.ts";

interface ExecInstance {
  id: string;
  container: Container;
  config: api.ExecCreateConfig;
  /** The container's run it belongs to: one that was not started ends with that. */
  runStartedAt: string;
  /** Keys that let go of it; empty for the usual ones. */
  detachKeys: Uint8Array;
  /** Whether any do. */
  detachable: boolean;
  /** Whether what it says is read, and dropped, when its client is gone. */
  drained: boolean;
  state: "created" | "running" | "ended";
  exitCode: number | null;
  pid: number;
  stdio?: ProcessStdio;
  /** Whether there is a process: resolves to true when it runs, to false when it could not be started. */
  started: PromiseWithResolvers<boolean>;
  ended: PromiseWithResolvers<number>;
}

interface CreateOptions {
  /** Whether keys of a terminal let go of it. Default: yes. */
  detachable?: boolean;
  /** What it says when its client is gone is read and dropped, as with dockerd; otherwise it waits, before long in a write. Default: yes. */
  drained?: boolean;
}

interface StartOptions {
  consoleSize?: { width: number; height: number };
}

/** How long an ended exec can still be inspected. */
const rememberedMs = 5 * 60_000;
const lastOutputMs = 2000;
/** How long a resize waits for the start, as dockerd's does: clients send both at once. */
const resizePatienceMs = 10_000;
const kill = 9;
/** Of one whose start failed before the runtime had a say. */
const notStartedExitCode = 126;
/** Of a probe that could not be started, as dockerd notes it. */
const noProbeExitCode = -1;

/** Processes added to running containers. They live in memory only: a daemon that starts anew knows none, as dockerd. */
export class ExecManager {
  readonly #room: ContainerRoom;
  readonly #instances = new Map<string, ExecInstance>();

  /** Takes over the health checks of the room's containers. */
  constructor({ room }: { room: ContainerRoom }) {
    this.#room = room;
    room.probe = (container, command, timeoutMs) => this.runToEnd(container, command, timeoutMs);
  }

  async create(
    containerRef: string,
    config: api.ExecCreateConfig,
    { detachable = true, drained = true }: CreateOptions = {},
  ): Promise<{ Id: string }> {
    const container = this.#room.registry.require(containerRef);
    await container.startsSettled();
    refuseUnlessRunning(container, containerRef);
    if (!config.Cmd || config.Cmd.length === 0) throw invalidArgument("No exec command specified");
    const detachKeys = parseDetachKeys(config.DetachKeys ?? "", "escape");
    for (const [known, instance] of this.#instances) if (isGone(instance)) this.#instances.delete(known);
    const id = newContainerId();
    this.#instances.set(id, {
      id,
      container,
      config,
      runStartedAt: container.state.startedAt,
      detachKeys,
      detachable,
      drained,
      state: "created",
      exitCode: null,
      pid: 0,
      started: Promise.withResolvers<boolean>(),
      ended: Promise.withResolvers<number>(),
    });
    container.execIds.add(id);
    this.#publish(container, `exec_create: ${commandText(config)}`, id);
    return { Id: id };
  }

  /** Throws what refuses a start before its connection is taken over; everything else is told on the connection. */
  async admit(id: string): Promise<void> {
    refuseUnlessRunning(this.#require(id).container);
  }

  /** Starts it with a client connected to its streams. */
  async start(id: string, options: StartOptions = {}): Promise<StdioSession> {
    const instance = this.#require(id);
    return this.#start(instance, options, instance.config.AttachStdin ?? false, (stdio) => this.#session(instance, stdio));
  }

  async startDetached(id: string, options: StartOptions = {}): Promise<void> {
    await this.#start(this.#require(id), options, false, () => undefined);
  }

  /** `connect` is called before there is a process: what it takes of its output begins with the first byte. */
  async #start<T>(
    instance: ExecInstance,
    options: StartOptions,
    stdin: boolean,
    connect: (stdio: ProcessStdio) => T,
  ): Promise<T> {
    const { id, container, config } = instance;
    if (instance.state === "ended") throw conflict(`exec command ${id} has already run`);
    if (instance.state === "running") throw conflict(`exec command ${id} is already running`);
    refuseUnlessRunning(container);
    instance.state = "running";
    this.#publish(container, `exec_start: ${commandText(config)}`, id);
    try {
      const stdio = await ProcessStdio.create(this.#stdioDeps, {
        directory: execStreamsDirectory(container, id),
        tty: config.Tty ?? false,
        stdin,
        stdout: true,
        stderr: true,
      });
      instance.stdio = stdio;
      const connected = connect(stdio);
      await whileRunning(this.#room, container, () => this.#run(instance, stdio, options.consoleSize));
      return connected;
    } catch (thrown) {
      instance.started.resolve(false);
      await this.#settle(instance, instance.exitCode ?? notStartedExitCode);
      throw thrown;
    }
  }

  async resize(id: string, size: { width: number; height: number }): Promise<void> {
    const instance = this.#require(id);
    const { container } = instance;
    refuseUnlessRunning(container);
    if (!(await startedInTime(instance))) throw invalidArgument("exec process is not started");
    if (instance.state !== "running") throw notFound("no such exec");
    await whileRunning(this.#room, container, () => this.#room.deps.containerd.tasks.resizePty(container.id, id, size));
  }

  async inspect(id: string): Promise<api.ExecInspect> {
    const { container, config, detachKeys, state, exitCode, pid } = this.#require(id);
    const [entrypoint = "", ...args] = config.Cmd ?? [];
    return {
      ID: id,
      Running: state === "running",
      ExitCode: exitCode,
      ProcessConfig: {
        tty: config.Tty ?? false,
        entrypoint,
        arguments: args,
        privileged: config.Privileged ?? false,
        ...(config.User ? { user: config.User } : {}),
      },
      OpenStdin: config.AttachStdin ?? false,
      OpenStderr: config.AttachStderr ?? false,
      OpenStdout: config.AttachStdout ?? false,
      CanRemove: false,
      ContainerID: container.id,
      // Bytes, as Go writes them in JSON.
      DetachKeys: Buffer.from(detachKeys).toString("base64"),
      Pid: pid,
    };
  }

  /** Its exit code, when it has ended or could not be started. */
  async exited(id: string): Promise<number> {
    return await this.#require(id).ended.promise;
  }

  /**
   * Runs a command to its end for the daemon itself (health checks), with the beginning of what it said. One that takes too long, or
   * leaves what holds its output, is killed. Throws without containerd.
   */
  async runToEnd(
    container: Container,
    command: string[],
    timeoutMs: number,
  ): Promise<{ exitCode: number; output: string; late: boolean }> {
    const { Id: id } = await this.create(container.id, { Cmd: command, AttachStdout: true, AttachStderr: true });
    let session: StdioSession;
    try {
      session = await this.start(id);
    } catch (error) {
      this.#forget(id);
      if (isOutage(error)) throw error;
      return { exitCode: noProbeExitCode, output: EngineError.from(error).message, late: false };
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      session.close();
      inBackground("killing a late probe", () => this.#kill(container, id));
    }, timeoutMs);
    let output = "";
    for await (const { data } of session.output) {
      if (output.length < maxProbeOutput) output += Buffer.from(data).toString("utf8");
    }
    const exitCode = await this.#require(id).ended.promise;
    clearTimeout(timer);
    this.#forget(id);
    return { exitCode, output: output.slice(0, maxProbeOutput), late };
  }

  /** Runs a command to its end for a caller that wants all it said at once. Throws `deadlineExceeded` or `cancelled` when it was killed before. */
  async runSync(containerRef: string, command: readonly string[], options: RunSyncOptions = {}): Promise<RunSyncResult> {
    const { Id: id } = await this.create(containerRef, { Cmd: [...command], AttachStdout: true, AttachStderr: true });
    const { container, ended } = this.#require(id);
    try {
      const begunAt = performance.now();
      const session = await this.start(id);
      const process = { session, ended: ended.promise, kill: () => this.#kill(container, id), begunAt };
      return await collectOutput(process, options);
    } finally {
      this.#forget(id);
    }
  }

  /** Kills a process that may be gone already, though containerd goes away meanwhile and comes back. */
  async #kill(container: Container, id: string): Promise<void> {
    const { containerd } = this.#room.deps;
    for (;;) {
      try {
        return await containerd.tasks.kill(container.id, { signal: kill, execId: id });
      } catch (error) {
        if (!isOutage(error) || !container.isRunning) return;
      }
      await containerd.whenReconnected();
    }
  }

  /** Execs end with the daemon's interest in them; their output FIFOs are not kept. */
  get #stdioDeps(): Parameters<typeof ProcessStdio.create>[0] {
    return { ...this.#room.deps.stdio, keeper: undefined };
  }

  #session(instance: ExecInstance, stdio: ProcessStdio): StdioSession {
    const { config, container, detachKeys, detachable, drained, id } = instance;
    const tty = config.Tty ?? false;
    const tap = stdio.hub.attach({ stdout: config.AttachStdout ?? false, stderr: config.AttachStderr ?? false });
    const left = Promise.withResolvers<void>();
    const close = (): void => {
      tap.close();
      left.resolve();
      if (!drained) stdio.stopReading();
    };
    const output = untilSettled(tap, Promise.race([instance.ended.promise, left.promise]));
    if (!stdio.input) return { tty, output, close };
    const { input } = stdio;
    const closeStdin = async (): Promise<void> => {
      await input.end();
      await this.#room.deps.containerd.tasks.closeIO(container.id, id).catch(() => undefined);
    };
    const writable = sessionInput({
      pipe: input,
      ...(tty ? {} : { closeStdin }),
      ...(tty && detachable ? { detachKeys } : {}),
      onDetach: () => {
        this.#publish(container, "exec_detach", id);
        close();
      },
      onEnd: close,
    });
    return { tty, output, input: writable, close };
  }

  async #run(instance: ExecInstance, stdio: ProcessStdio, consoleSize: StartOptions["consoleSize"]): Promise<void> {
    const { container, config, id } = instance;
    const { deps } = this.#room;
    const { tasks } = deps.containerd;
    const request = consoleSize ? { ...config, ConsoleSize: [consoleSize.height, consoleSize.width] } : config;
    const linkEnv = deps.networks.linkEnvironment(networkedContainer(container.record, container.directory));
    const mounts = await deps.containerd.snapshots(container.record.snapshotter).mounts(container.id);
    // What this machine cannot give was told when the container was created: probes run every second.
    // Users and groups are those of the container's own files: what is mounted over them does not count, as with dockerd.
    const { process } = await withRootfsReader(deps, container, mounts, (rootfs) =>
      buildProcess({ record: container.record, facts: deps.facts, settings: deps.specSettings, rootfs, linkEnv }, request),
    );
    try {
      instance.pid = await container.execStarts.run(async () => {
        refuseUnlessRunning(container);
        await tasks.exec({ containerId: container.id, execId: id, process, stdio: stdio.paths });
        return await tasks.start(container.id, id);
      });
    } catch (thrown) {
      const failure = runtimeFailure("OCI runtime exec failed", thrown);
      instance.exitCode = failure.exitCode;
      const forgotten = tasks.deleteProcess(container.id, id).catch(() => undefined);
      // A shim that did not answer is not waited for a second time.
      if (!isKind(thrown, "deadlineExceeded")) await forgotten;
      throw isKind(thrown, "conflict") ? thrown : failure.error;
    }
    stdio.opened();
    instance.started.resolve(true);
    this.#watch(instance);
  }

  #watch(instance: ExecInstance): void {
    const { container, id } = instance;
    waitForExit(this.#room, container.id, id)
      .then(async ({ exitStatus }) => {
        await Promise.race([instance.stdio?.ended, new Promise((resolve) => setTimeout(resolve, lastOutputMs).unref())]);
        await this.#settle(instance, exitStatus);
        await this.#room.deps.containerd.tasks.deleteProcess(container.id, id).catch(() => undefined);
      })
      .catch((error: unknown) => {
        this.#room.deps.log.error("the end of an exec could not be settled", {
          container: container.id,
          exec: id,
          error: String(error),
        });
      });
  }

  async #settle(instance: ExecInstance, exitCode: number): Promise<void> {
    instance.state = "ended";
    instance.exitCode = exitCode;
    instance.container.execIds.delete(instance.id);
    if (instance.pid !== 0) this.#publish(instance.container, "exec_die", instance.id, { exitCode: String(exitCode) });
    await instance.stdio?.dispose();
    instance.ended.resolve(exitCode);
    setTimeout(() => this.#forget(instance.id), rememberedMs).unref();
  }

  #forget(id: string): void {
    this.#instances.get(id)?.container.execIds.delete(id);
    this.#instances.delete(id);
  }

  #require(id: string): ExecInstance {
    const instance = this.#instances.get(id);
    if (!instance || isGone(instance)) throw notFound(`No such exec instance: ${id}`);
    return instance;
  }

  #publish(container: Container, action: string, execID: string, more: Record<string, string> = {}): void {
    publishContainerEvent(this.#room.deps.events, container.record, action, { execID, ...more });
  }
}

/** A client asks for the exit code as soon as the output ends: then it must be known. */
async function* untilSettled(
  output: AsyncIterable<OutputChunk>,
  settled: Promise<unknown>,
): AsyncGenerator<OutputChunk, void, undefined> {
  yield* output;
  await settled;
}

/** As its events have it: moby joins the program and its arguments, also when there are none. */
function commandText({ Cmd: [entrypoint = "", ...args] = [] }: api.ExecCreateConfig): string {
  return `${entrypoint} ${args.join(" ")}`;
}

/** One that was never started ends with the run of its container that it was made for. */
function isGone({ container, state, runStartedAt }: ExecInstance): boolean {
  const isOver = !container.isRunning || container.state.startedAt !== runStartedAt;
  return container.removed || (state === "created" && isOver);
}

async function startedInTime({ started }: ExecInstance): Promise<boolean> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), resizePatienceMs);
  const answer = await Promise.race([started.promise, late.promise]);
  clearTimeout(timer);
  if (answer === undefined) throw new EngineError("internal", "timeout waiting for exec session ready");
  return answer;
}

/** What Docker keeps of a probe's output. */
const maxProbeOutput = 4096;

/** `ref` is what the client calls the container: of one that is paused dockerd says it, of others the id. */
function refuseUnlessRunning(container: Container, ref = container.id): void {
  const { status } = container.state;
  if (status === "paused") throw conflict(`Container ${ref} is paused, unpause the container before exec`);
  if (status === "restarting") throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
  if (status !== "running") throw conflict(`container ${container.id} is not running`);
  if (container.removing) throw failedPrecondition(`container ${container.id} is being removed`);
}
