import type * as api from "@pouchcontainer/api";
import { isOutage } from "@pouchcontainer/containerd";
import { conflict, internal, invalidArgument, isKind, notFound } from "@pouchcontainer/errors";
import { newContainerId } from "../containers/container-names.ts";
import type { Container } from "../containers/container.ts";
import { publishContainerEvent } from "../containers/container-events.ts";
import type { ContainerRoom } from "../containers/container-room.ts";
import { execStreamsDirectory } from "../containers/exec-streams.ts";
import { networkedContainer } from "../containers/network-view.ts";
import { whileRunning } from "../containers/process-gone.ts";
import { mountsOf, withRootfsReader } from "../containers/rootfs.ts";
import { runtimeFailure } from "../containers/runtime-failure.ts";
import { waitForExit, type ObservedExit } from "../containers/settle-exit.ts";
import { buildProcess } from "../containers/spec/index.ts";
import { parseDetachKeys } from "../containers/stdio/detach-keys.ts";
import { ProcessStdio } from "../containers/stdio/process-stdio.ts";
import type { StdioSession } from "../containers/stdio/stdio-session.ts";
import { ended } from "../ended.ts";
import { openExecSession } from "./exec-session.ts";
import { refuseUnlessRunning } from "./refuse-unless-running.ts";

export interface ExecOptions {
  /** Whether keys of a terminal let go of it. Default: yes. */
  detachable?: boolean;
  /** What it says when its client is gone is read and dropped, as with dockerd; otherwise it waits, before long in a write. Default: yes. */
  drained?: boolean;
}

export interface StartOptions {
  consoleSize?: { width: number; height: number };
}

const lastOutputMs = 2000;
/** How long a resize waits for the start, as dockerd's does: clients send both at once. */
const resizePatienceMs = 10_000;
const kill = 9;
/** Of one whose start failed before the runtime had a say. */
const notStartedExitCode = 126;

/** A process added to a running container: created, started once, ended. */
export class ExecProcess {
  readonly id = newContainerId();
  readonly container: Container;
  readonly config: api.ExecCreateConfig;
  readonly #room: ContainerRoom;
  readonly #options: Required<ExecOptions>;
  /** Keys that let go of it; empty for the usual ones. */
  readonly #detachKeys: Uint8Array;
  /** The container's run it belongs to: one that was not started ends with that. */
  readonly #runStartedAt: string;
  /** Whether there is a process: resolves to true when it runs, to false when it could not be started. */
  readonly #started = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<number>();
  #state: "created" | "running" | "ended" = "created";
  #exitCode: number | null = null;
  #pid = 0;
  #stdio: ProcessStdio | undefined;

  constructor(
    room: ContainerRoom,
    container: Container,
    config: api.ExecCreateConfig,
    { detachable = true, drained = true }: ExecOptions = {},
  ) {
    this.#detachKeys = parseDetachKeys(config.DetachKeys ?? "", "escape");
    this.#room = room;
    this.container = container;
    this.config = config;
    this.#options = { detachable, drained };
    this.#runStartedAt = container.state.startedAt;
    container.execIds.add(this.id);
    this.#publish(`exec_create: ${commandText(config)}`);
  }

  /** Its exit code, when it has ended or could not be started. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** One that was never started ends with the run of its container that it was made for. */
  get isGone(): boolean {
    const { container } = this;
    const isOver = !container.isRunning || container.state.startedAt !== this.#runStartedAt;
    return container.removed || (this.#state === "created" && isOver);
  }

  /** Starts it with a client connected to its streams. */
  async start(options: StartOptions): Promise<StdioSession> {
    return this.#start(options, this.config.AttachStdin ?? false, (stdio) => this.#session(stdio));
  }

  async startDetached(options: StartOptions): Promise<void> {
    await this.#start(options, false, () => undefined);
  }

  async resize(size: { width: number; height: number }): Promise<void> {
    const { container, id } = this;
    refuseUnlessRunning(container);
    if (!(await this.#startedInTime())) throw invalidArgument("exec process is not started");
    if (this.#state !== "running") throw notFound("no such exec");
    await whileRunning(this.#room, container, () => this.#room.deps.containerd.tasks.resizePty(container.id, id, size));
  }

  /** Kills a process that may be gone already, though containerd goes away meanwhile and comes back. */
  async kill(): Promise<void> {
    const { container, id } = this;
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

  inspect(): api.ExecInspect {
    const { container, config } = this;
    const [entrypoint = "", ...args] = config.Cmd ?? [];
    return {
      ID: this.id,
      Running: this.#state === "running",
      ExitCode: this.#exitCode,
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
      DetachKeys: Buffer.from(this.#detachKeys).toString("base64"),
      Pid: this.#pid,
    };
  }

  /** `connect` is called before there is a process: what it takes of its output begins with the first byte. */
  async #start<T>(options: StartOptions, stdin: boolean, connect: (stdio: ProcessStdio) => T): Promise<T> {
    const { id, container, config } = this;
    if (this.#state === "ended") throw conflict(`exec command ${id} has already run`);
    if (this.#state === "running") throw conflict(`exec command ${id} is already running`);
    refuseUnlessRunning(container);
    this.#state = "running";
    this.#publish(`exec_start: ${commandText(config)}`);
    try {
      // It ends with the daemon's interest in it: its output FIFOs are not kept.
      const stdio = await ProcessStdio.create(
        { ...this.#room.deps.stdio, keeper: undefined },
        {
          directory: execStreamsDirectory(container, id),
          tty: config.Tty ?? false,
          stdin,
          stdout: true,
          stderr: true,
        },
      );
      this.#stdio = stdio;
      const connected = connect(stdio);
      await whileRunning(this.#room, container, () => this.#run(stdio, options.consoleSize));
      return connected;
    } catch (thrown) {
      this.#started.resolve(false);
      await this.#settle(this.#exitCode ?? notStartedExitCode);
      throw thrown;
    }
  }

  #session(stdio: ProcessStdio): StdioSession {
    const { container, config, id } = this;
    return openExecSession(stdio, {
      config,
      ...this.#options,
      detachKeys: this.#detachKeys,
      ended: this.ended,
      closeStdin: async () => {
        await this.#room.deps.containerd.tasks.closeIO(container.id, id).catch(() => undefined);
      },
      onDetach: () => this.#publish("exec_detach"),
    });
  }

  async #run(stdio: ProcessStdio, consoleSize: StartOptions["consoleSize"]): Promise<void> {
    const { container, config, id } = this;
    const { deps } = this.#room;
    const { tasks } = deps.containerd;
    const request = consoleSize ? { ...config, ConsoleSize: [consoleSize.height, consoleSize.width] } : config;
    const linkEnv = deps.networks.linkEnvironment(networkedContainer(container.record, container.directory));
    const mounts = await mountsOf(deps, container);
    // What this machine cannot give was told when the container was created: probes run every second.
    // Users and groups are those of the container's own files: what is mounted over them does not count, as with dockerd.
    const { process } = await withRootfsReader(deps, container, mounts, (rootfs) =>
      buildProcess({ record: container.record, facts: deps.facts, settings: deps.specSettings, rootfs, linkEnv }, request),
    );
    const neverRan = new AbortController();
    let exit: Promise<ObservedExit>;
    try {
      ({ exit, pid: this.#pid } = await container.execStarts.run(async () => {
        refuseUnlessRunning(container);
        await tasks.exec({ containerId: container.id, execId: id, process, stdio: stdio.paths });
        // Asked for while it starts: of most that are waited for the end comes with the start, or soon after.
        const ends = waitForExit(this.#room, container.id, { execId: id, signal: neverRan.signal });
        ends.catch(() => undefined);
        return { pid: await tasks.start(container.id, id), exit: ends };
      }));
    } catch (thrown) {
      neverRan.abort();
      const failure = runtimeFailure("OCI runtime exec failed", thrown);
      this.#exitCode = failure.exitCode;
      const forgotten = tasks.deleteProcess(container.id, id).catch(() => undefined);
      // A shim that did not answer is not waited for a second time.
      if (!isKind(thrown, "deadlineExceeded")) await forgotten;
      throw isKind(thrown, "conflict") ? thrown : failure.error;
    }
    stdio.opened();
    this.#started.resolve(true);
    this.#watch(exit);
  }

  #watch(exit: Promise<ObservedExit>): void {
    const { container, id } = this;
    const { deps } = this.#room;
    exit
      .then(async ({ exitStatus }) => {
        if (this.#stdio) await ended(this.#stdio.ended, lastOutputMs);
        await this.#settle(exitStatus);
        await deps.containerd.tasks.deleteProcess(container.id, id).catch(() => undefined);
      })
      .catch((error: unknown) => {
        deps.log.error("the end of an exec could not be settled", { container: container.id, exec: id, error: String(error) });
      });
  }

  async #settle(exitCode: number): Promise<void> {
    this.#state = "ended";
    this.#exitCode = exitCode;
    this.container.execIds.delete(this.id);
    if (this.#pid !== 0) this.#publish("exec_die", { exitCode: String(exitCode) });
    await this.#stdio?.dispose();
    this.#ended.resolve(exitCode);
  }

  async #startedInTime(): Promise<boolean> {
    const { promise } = this.#started;
    if (!(await ended(promise, resizePatienceMs))) throw internal("timeout waiting for exec session ready");
    return await promise;
  }

  #publish(action: string, more: Record<string, string> = {}): void {
    publishContainerEvent(this.#room.deps.events, this.container.record, action, { execID: this.id, ...more });
  }
}

/** As its events have it: moby joins the program and its arguments, also when there are none. */
function commandText({ Cmd: [entrypoint = "", ...args] = [] }: api.ExecCreateConfig): string {
  return `${entrypoint} ${args.join(" ")}`;
}
