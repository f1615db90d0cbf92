import type * as api from "@pouchcontainer/api";
import { isOutage } from "@pouchcontainer/containerd";
import { EngineError, invalidArgument, notFound } from "@pouchcontainer/errors";
import { callAfter, inBackground } from "@pouchcontainer/owners";
import { verifyVariable } from "../containers/config/index.ts";
import type { Container } from "../containers/container.ts";
import type { ContainerRoom } from "../containers/container-room.ts";
import { chainContext } from "../containers/network-view.ts";
import { checkExec } from "../containers/spec/index.ts";
import { parseDetachKeys } from "../containers/stdio/detach-keys.ts";
import { refuseNul } from "../refuse-nul.ts";
import type { StdioSession } from "../containers/stdio/stdio-session.ts";
import { collectOutput, type RunSyncOptions, type RunSyncResult } from "./collect-output.ts";
import { ExecProcess, type ExecOptions, type StartOptions } from "./exec-process.ts";
import { refuseUnlessRunning } from "./refuse-unless-running.ts";

/** How long an ended exec can still be inspected. */
const rememberedMs = 5 * 60_000;
/** Of a probe that could not be started, as dockerd notes it. */
const noProbeExitCode = -1;
/** What Docker keeps of a probe's output. */
const maxProbeOutput = 4096;

/** Processes added to running containers. They live in memory only: a daemon that starts anew knows none, as dockerd. */
export class ExecManager {
  readonly #room: ContainerRoom;
  readonly #processes = new Map<string, ExecProcess>();

  /** Takes over the health checks of the room's containers. */
  constructor({ room }: { room: ContainerRoom }) {
    this.#room = room;
    room.probe = (container, command, timeoutMs) => this.runToEnd(container, command, timeoutMs);
  }

  async create(containerRef: string, config: api.ExecCreateConfig, options: ExecOptions = {}): Promise<{ Id: string }> {
    const { id } = await this.#asked(containerRef, config, options);
    return { Id: id };
  }

  /** Refuses a request of which no exec can be made, in whichever container. Allocates nothing. */
  check(config: api.ExecCreateConfig): void {
    refuseUncarried(config);
    checkExec(config);
    parseDetachKeys(config.DetachKeys ?? "", "escape");
  }

  /** Throws what refuses a start before its connection is taken over; everything else is told on the connection. */
  async admit(id: string): Promise<void> {
    refuseUnlessRunning(this.#require(id).container);
  }

  /** Starts it with a client connected to its streams. */
  async start(id: string, options: StartOptions = {}): Promise<StdioSession> {
    return await this.#require(id).start(options);
  }

  async startDetached(id: string, options: StartOptions = {}): Promise<void> {
    await this.#require(id).startDetached(options);
  }

  async resize(id: string, size: { width: number; height: number }): Promise<void> {
    await this.#require(id).resize(size);
  }

  async inspect(id: string): Promise<api.ExecInspect> {
    return this.#require(id).inspect();
  }

  /** Its exit code, when it has ended or could not be started. */
  async exited(id: string): Promise<number> {
    return await this.#require(id).ended;
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
    const probe = await this.#create(container.id, { Cmd: command, AttachStdout: true, AttachStderr: true });
    let session: StdioSession;
    try {
      session = await probe.start({});
    } catch (error) {
      this.#forget(probe);
      if (isOutage(error)) throw error;
      return { exitCode: noProbeExitCode, output: EngineError.from(error).message, late: false };
    }
    let late = false;
    const callOff = callAfter(timeoutMs, () => {
      late = true;
      session.close();
      inBackground("killing a late probe", () => probe.kill());
    });
    let output = "";
    for await (const { data } of session.output) {
      if (output.length < maxProbeOutput) output += Buffer.from(data).toString("utf8");
    }
    const exitCode = await probe.ended;
    callOff();
    this.#forget(probe);
    return { exitCode, output: output.slice(0, maxProbeOutput), late };
  }

  /** Runs a command to its end for a caller that wants all it said at once. Throws `deadlineExceeded` or `cancelled` when it was killed before. */
  async runSync(containerRef: string, command: readonly string[], options: RunSyncOptions = {}): Promise<RunSyncResult> {
    const exec = await this.#asked(containerRef, { Cmd: [...command], AttachStdout: true, AttachStderr: true });
    try {
      const begunAt = performance.now();
      const session = await exec.start({});
      return await collectOutput({ session, ended: exec.ended, kill: () => exec.kill(), begunAt }, options);
    } finally {
      this.#forget(exec);
    }
  }

  /** One that somebody asked for: plugins may change or refuse it. */
  async #asked(containerRef: string, config: api.ExecCreateConfig, options: ExecOptions = {}): Promise<ExecProcess> {
    const { registry, deps } = this.#room;
    const container = registry.require(containerRef);
    await container.startsSettled();
    refuseUnlessRunning(container, containerRef);
    const changed = await deps.chains.change("container.preExec", { config }, chainContext(container.record));
    refuseUncarried(changed);
    return this.#create(container.id, changed, options);
  }

  async #create(containerRef: string, config: api.ExecCreateConfig, options: ExecOptions = {}): Promise<ExecProcess> {
    const container = this.#room.registry.require(containerRef);
    await container.startsSettled();
    refuseUnlessRunning(container, containerRef);
    if (!config.Cmd || config.Cmd.length === 0) throw invalidArgument("No exec command specified");
    for (const known of this.#processes.values()) if (known.isGone) this.#processes.delete(known.id);
    const exec = new ExecProcess(this.#room, container, config, options);
    this.#processes.set(exec.id, exec);
    inBackground("forgetting an exec that has ended", async () => {
      await exec.ended;
      setTimeout(() => this.#forget(exec), rememberedMs).unref();
    });
    return exec;
  }

  #forget({ id, container }: ExecProcess): void {
    container.execIds.delete(id);
    this.#processes.delete(id);
  }

  #require(id: string): ExecProcess {
    const exec = this.#processes.get(id);
    if (!exec || exec.isGone) throw notFound(`No such exec instance: ${id}`);
    return exec;
  }
}

/** Refuses texts that the kernel hands to no process. An empty variable is none: runc leaves it out. */
function refuseUncarried(config: api.ExecCreateConfig): void {
  refuseNul(config);
  for (const entry of config.Env ?? []) if (entry !== "") verifyVariable(entry);
}
