import { isOutage } from "@pouchcontainer/containerd";
import { EngineError } from "@pouchcontainer/errors";
import { callAfter, inBackground } from "@pouchcontainer/owners";
import { parseRfc3339, rfc3339Nano } from "./clock.ts";
import type { Container } from "./container.ts";
import { publishContainerEvent } from "./container-events.ts";
import type { ContainerDeps } from "./container-deps.ts";
import type { ContainerState, HealthRecord } from "./container-record.ts";
import { goDuration } from "../go-duration.ts";

/** Runs one probe inside the container and answers with its exit code, the beginning of its output, and whether it took too long. */
export type ProbeRunner = (
  container: Container,
  command: string[],
  timeoutMs: number,
) => Promise<{ exitCode: number; output: string; late: boolean }>;

const nanosecondsPerMs = 1_000_000;
const defaults = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5_000, retries: 3 };
const remembered = 5;

interface Plan {
  command: string[];
  intervalMs: number;
  timeoutMs: number;
  startPeriodMs: number;
  startIntervalMs: number;
  retries: number;
}

/** Probes one running container as its health check says, from its start to its exit, but for the time it is frozen. */
export class HealthMonitor {
  readonly #container: Container;
  readonly #deps: Pick<ContainerDeps, "clock" | "events">;
  readonly #probe: ProbeRunner;
  #callOff: (() => void) | undefined;
  #generation = 0;

  constructor(container: Container, deps: Pick<ContainerDeps, "clock" | "events">, probe: ProbeRunner) {
    this.#container = container;
    this.#deps = deps;
    this.#probe = probe;
  }

  begin(): void {
    if (!planOf(this.#container)) return;
    this.#note({ status: "starting", failingStreak: 0, log: this.#container.state.health?.log ?? [] });
    this.resume();
  }

  /** Goes on with one that was halted: the next probe says how it is. */
  resume(): void {
    const plan = planOf(this.#container);
    if (!plan) return;
    this.end();
    const startedAt = parseRfc3339(this.#container.state.startedAt) ?? this.#deps.clock.now();
    this.#next(plan, this.#generation, Number(startedAt / BigInt(nanosecondsPerMs)));
  }

  /** No more probes of one that is frozen or over. Answers with what its state says then: dockerd's unhealthy, which no event tells of. */
  halt(): Pick<ContainerState, "health"> {
    this.end();
    const { health } = this.#container.state;
    return health ? { health: { ...health, status: "unhealthy" } } : {};
  }

  end(): void {
    this.#generation++;
    this.#callOff?.();
    this.#callOff = undefined;
  }

  #next(plan: Plan, generation: number, startedMs: number): void {
    const starting = this.#container.state.health?.status === "starting" && Date.now() - startedMs < plan.startPeriodMs;
    const delayMs = starting ? plan.startIntervalMs : plan.intervalMs;
    this.#callOff = callAfter(delayMs, () =>
      inBackground("checking a container's health", () => this.#check(plan, generation, startedMs), {
        container: this.#container.id,
      }),
    );
  }

  async #check(plan: Plan, generation: number, startedMs: number): Promise<void> {
    const start = rfc3339Nano(this.#deps.clock.now());
    const result = await this.#run(plan);
    if (generation !== this.#generation || !this.#container.isRunning) return;
    if (result === undefined) return this.#next(plan, generation, startedMs);
    const before = this.#container.state.health ?? { status: "starting", failingStreak: 0, log: [] };
    const entry = { start, end: rfc3339Nano(this.#deps.clock.now()), ...result };
    const health = judge(before, entry, plan, Date.now() - startedMs);
    this.#note(health);
    if (health.status !== before.status)
      publishContainerEvent(this.#deps.events, this.#container.record, `health_status: ${health.status}`);
    this.#next(plan, generation, startedMs);
  }

  /** Without containerd nothing is known of the container's health. */
  async #run({ command, timeoutMs }: Plan): Promise<{ exitCode: number; output: string } | undefined> {
    try {
      const { exitCode, output, late } = await this.#probe(this.#container, command, timeoutMs);
      if (!late) return { exitCode, output };
      const exceeded = `Health check exceeded timeout (${goDuration(timeoutMs)})`;
      return { exitCode: -1, output: output === "" ? exceeded : `${exceeded}: ${output}` };
    } catch (error) {
      if (isOutage(error)) return undefined;
      return { exitCode: -1, output: EngineError.from(error).message };
    }
  }

  #note(health: HealthRecord): void {
    this.#container.note({ state: { health } });
  }
}

/** What a probe makes of the container's health; failures while it starts up do not count. */
export function judge(
  before: HealthRecord,
  entry: HealthRecord["log"][number],
  plan: Pick<Plan, "retries" | "startPeriodMs">,
  sinceStartMs: number,
): HealthRecord {
  const log = [...before.log, entry].slice(-remembered);
  if (entry.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  if (before.status === "starting" && sinceStartMs < plan.startPeriodMs) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= plan.retries ? "unhealthy" : before.status, failingStreak, log };
}

function planOf({ record }: Container): Plan | undefined {
  const check = record.config.Healthcheck;
  const [kind, ...words] = check?.Test ?? [];
  if (!check || kind === undefined || kind === "NONE") return undefined;
  const shell = record.config.Shell?.length ? record.config.Shell : ["/bin/sh", "-c"];
  const ms = (nanoseconds: number | undefined, fallback: number): number =>
    nanoseconds ? nanoseconds / nanosecondsPerMs : fallback;
  return {
    command: kind === "CMD-SHELL" ? [...shell, ...words] : words,
    intervalMs: ms(check.Interval, defaults.intervalMs),
    timeoutMs: ms(check.Timeout, defaults.timeoutMs),
    startPeriodMs: ms(check.StartPeriod, 0),
    // Of who says nothing of it, as all did before API 1.44, one that probes often is not made to wait.
    startIntervalMs: ms(check.StartInterval, Math.min(defaults.startIntervalMs, ms(check.Interval, defaults.intervalMs))),
    retries: check.Retries || defaults.retries,
  };
}
