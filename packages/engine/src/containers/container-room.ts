import type { HostConfig } from "@pouchcontainer/api";
import type { Container } from "./container.ts";
import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerRegistry } from "./container-registry.ts";
import type { UndoStep } from "./leftovers/unfinished-undos.ts";
import type { Orphan } from "./orphans/orphan.ts";
import type { HealthMonitor, ProbeRunner } from "./health-monitor.ts";

export interface StartOptions {
  /** Asked for by the restart policy, not by somebody. Default: no. */
  byPolicy?: boolean;
  /** Takes the place of the one from create: clients below API 1.24 send it with the start. */
  hostConfig?: HostConfig;
}

export interface RemoveOptions {
  /** What runs is killed. */
  force: boolean;
  /** Volumes that were made for it alone go too. */
  volumes: boolean;
  /** Somebody asked for it, so that plugins may refuse it. Default: the engine removes what was to go anyway. */
  asked?: boolean;
  /**
   * The answer comes when it is stored that the container goes: from then on it counts as gone, and the rest follows, at the latest with the
   * next daemon. Default: when nothing of it is left.
   */
  promised?: boolean;
}

/** What one operation may ask of the others. */
export interface ContainerRoom {
  deps: ContainerDeps;
  registry: ContainerRegistry;
  /** Containers that were found without a record, by id. */
  orphans: Map<string, Orphan>;
  /** The daemon leaves: what has not begun is for the next one. */
  leaving: AbortSignal;
  start(container: Container, options?: StartOptions): Promise<void>;
  remove(container: Container, options: RemoveOptions): Promise<void>;
  /** Who puts right what was left behind. */
  leftovers: { soon(): void; takeBack(id: string, step: UndoStep): void };
  /** How health checks run their command: exec, which is built on containers, puts itself here. */
  probe: ProbeRunner;
  /** The container's process exists: probes its health as configured. */
  healthOf(container: Container): Pick<HealthMonitor, "begin" | "resume" | "halt" | "end">;
}
