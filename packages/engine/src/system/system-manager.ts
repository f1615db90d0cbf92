import type { AuthConfig, AuthResponse, DiskUsage, EventMessage, SystemInfo, SystemVersion } from "@pouchcontainer/api";
import { rfc3339Nano } from "../containers/clock.ts";
import type { Readable } from "node:stream";
import { diskUsage } from "./disk-usage.ts";
import { openFileDescriptors } from "./machine.ts";
import type { SystemDeps } from "./system-deps.ts";
import { systemInfo } from "./system-info.ts";
import { systemVersion } from "./system-version.ts";

/** Nanoseconds: every client pings before every command, and many at once must not each ask containerd. */
const pingLife = 1_000_000_000n;
/** Whoever only wants to know whether, or which, containerd is there is not kept waiting by one that hangs. */
const versionTimeoutMs = 1000;

/** What the daemon says of itself and its machine. */
export class SystemManager {
  readonly #deps: SystemDeps;
  #lastGoodPing = 0n;
  #containerdVersion = { version: "", revision: "" };

  constructor(deps: SystemDeps) {
    this.#deps = deps;
  }

  async info(): Promise<SystemInfo> {
    const { programs, settings, images } = this.#deps;
    const runtime = settings.runtimes[settings.defaultRuntime] ?? settings.defaultRuntime;
    const [containerdVersion, runtimeVersion, initVersion, imageCount] = await Promise.all([
      this.#lastContainerdVersion(),
      programs.of(runtime),
      settings.initPath === undefined ? undefined : programs.of(settings.initPath),
      images.count(),
    ]);
    return systemInfo({
      ...this.#deps,
      statuses: [...this.#deps.containers.statuses()],
      imageCount,
      containerdVersion,
      runtimeVersion,
      initVersion,
      openFiles: openFileDescriptors(),
      listeners: this.#deps.events.subscriberCount,
      now: rfc3339Nano(this.#deps.clock.now()),
    });
  }

  async version(): Promise<SystemVersion> {
    const { programs, settings, machine, facts } = this.#deps;
    const runtime = settings.runtimes[settings.defaultRuntime] ?? settings.defaultRuntime;
    const [containerdVersion, runtimeVersion, initVersion] = await Promise.all([
      this.#lastContainerdVersion(),
      programs.of(runtime),
      settings.initPath === undefined ? undefined : programs.of(settings.initPath),
    ]);
    return systemVersion({ settings, machine, facts, containerdVersion, runtimeVersion, initVersion });
  }

  diskUsage(types: string[]): Promise<DiskUsage> {
    return diskUsage(types, this.#deps);
  }

  /** Answers whether containers can be served at all: containerd answers and the store is open. A good answer holds for a second. */
  async ping(): Promise<void> {
    const now = this.#deps.clock.now();
    if (now - this.#lastGoodPing < pingLife && now >= this.#lastGoodPing) return;
    await Promise.all([this.#deps.containerd.version({ timeoutMs: versionTimeoutMs }), this.#deps.storeIsOpen()]);
    this.#lastGoodPing = now;
  }

  /** What it said last where it does not answer: which versions these are is also asked when something is wrong. */
  async #lastContainerdVersion(): Promise<{ version: string; revision: string }> {
    const { containerd } = this.#deps;
    this.#containerdVersion = await containerd.version({ timeoutMs: versionTimeoutMs }).catch(() => this.#containerdVersion);
    return this.#containerdVersion;
  }

  events(
    options: { since?: number; until?: number; filters: Record<string, string[]> },
    signal: AbortSignal,
  ): AsyncIterable<EventMessage> {
    return this.#deps.events.subscribe(options, signal);
  }

  /** A consistent copy of the store, as a stream that is read once. */
  async backup(): Promise<{ content: Readable; sizeBytes: number }> {
    const { file, sizeBytes } = await this.#deps.backup();
    return { content: file.createReadStream(), sizeBytes };
  }

  checkAuth(auth: AuthConfig): Promise<AuthResponse> {
    return this.#deps.checkAuth(auth);
  }
}
