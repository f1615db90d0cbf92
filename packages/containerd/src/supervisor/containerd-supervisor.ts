import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { EngineError } from "@pouchcontainer/errors";
import { ttrpcAddressOf } from "./containerd-config.ts";
import type { LaunchRequest } from "./launch-containerd.ts";
import type { SupervisedContainerd, SupervisorLogger } from "./supervised-containerd.ts";
import type { WatchedProcess } from "./watched-process.ts";
import { terminate } from "./watched-process.ts";

/** After a life of `stableMs` the next restart is immediate; shorter ones wait, each twice as long as the one before. */
const backOff = { firstMs: 100, mostMs: 10_000, stableMs: 10_000 };
const logCheckMs = 60_000;

interface SupervisorDeps {
  first: WatchedProcess;
  launch: () => Promise<WatchedProcess>;
  stopping: AbortController;
  address: string;
  logger: SupervisorLogger;
  stopTimeoutMs: number;
  request: Pick<LaunchRequest, "pidFile" | "logFile">;
}

/** Restarts containerd for as long as it is wanted. */
export class ContainerdSupervisor implements SupervisedContainerd {
  readonly #deps: SupervisorDeps;
  readonly #listeners = new Set<() => void>();
  readonly #logTimer: NodeJS.Timeout;
  readonly #loop: Promise<void>;
  #running: WatchedProcess | undefined;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
    this.#running = deps.first;
    this.#logTimer = setInterval(() => deps.request.logFile.rotate(), logCheckMs);
    this.#logTimer.unref();
    this.#loop = this.#supervise(deps.first);
  }

  get address(): string {
    return this.#deps.address;
  }

  get pid(): number | undefined {
    return this.#running?.identity.pid;
  }

  get adopted(): boolean {
    return this.#running?.adopted ?? false;
  }

  onRestarted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    const running = await this.#leave();
    if (running !== undefined) await terminate(running.identity, this.#deps.stopTimeoutMs);
    this.#deps.request.pidFile.remove();
    for (const socket of [this.address, ttrpcAddressOf(this.address)]) rmSync(socket, { force: true });
  }

  async detach(): Promise<void> {
    await this.#leave();
  }

  async #leave(): Promise<WatchedProcess | undefined> {
    this.#deps.stopping.abort();
    clearInterval(this.#logTimer);
    await this.#loop;
    this.#running?.unwatch();
    return this.#running;
  }

  async #supervise(first: WatchedProcess): Promise<void> {
    const { logger, stopping } = this.#deps;
    const stopped = Promise.withResolvers<undefined>();
    stopping.signal.addEventListener("abort", () => stopped.resolve(undefined), { once: true });
    let waitMs = 0;
    for (let current = first; ;) {
      const since = performance.now();
      const how = await Promise.race([current.exited, stopped.promise]);
      if (how === undefined || stopping.signal.aborted) return;
      this.#running = undefined;
      logger.warn(`containerd (pid ${current.identity.pid}) ended: ${how}; starting it again`);
      waitMs = performance.now() - since >= backOff.stableMs ? 0 : nextWait(waitMs);
      const next = await this.#relaunch(waitMs);
      if (next === undefined) return;
      current = next;
      this.#running = current;
      this.#announce(current);
    }
  }

  /** Tries until it runs; `undefined` when it is no longer wanted. */
  async #relaunch(firstWaitMs: number): Promise<WatchedProcess | undefined> {
    const { logger, stopping, launch } = this.#deps;
    for (let waitMs = firstWaitMs; ; waitMs = nextWait(waitMs)) {
      // Aborted is the only way it can reject.
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return undefined;
      try {
        return await launch();
      } catch (error) {
        if (stopping.signal.aborted) return undefined;
        logger.error(EngineError.from(error).message);
      }
    }
  }

  #announce(current: WatchedProcess): void {
    this.#deps.logger.info(`containerd runs again (pid ${current.identity.pid})`);
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        // A listener's fault must not end the supervision.
        this.#deps.logger.error(`after the restart of containerd: ${EngineError.from(error).message}`);
      }
    }
  }
}

function nextWait(waitMs: number): number {
  return Math.min(Math.max(backOff.firstMs, waitMs * 2), backOff.mostMs);
}
