import { isKind } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import type { Container } from "../container.ts";
import { isHalfRemoved, zeroTime } from "../container-record.ts";
import { followTask } from "../follow-task.ts";
import { isInDoubt } from "../in-doubt.ts";
import type { ContainerRoom } from "../container-room.ts";
import { finishRemoval } from "../remove-container.ts";
import { settleIdle } from "../recovery/settle-idle.ts";
import { clearStrays } from "./clear-strays.ts";
import { footprints } from "./footprints.ts";
import { UnfinishedUndos, type UndoStep } from "./unfinished-undos.ts";

const periodMs = 30_000;
/** After a containerd that came back: what was begun there before it went may take a moment to show. */
const soonMs = 1000;
/** What does not work out is tried less and less often. */
const slowerBy = 2;

/**
 * Holds records against what containerd and the kernel say for as long as the daemon lives, and puts right what an outage or a
 * kill left: a run that nobody watches is taken up, what is left of one that is over goes. Each finding is logged. Nobody else's
 * is touched: a container of ours is known by its record, a stray by places and marks that are this daemon's alone.
 */
export class Reconciler {
  readonly #room: ContainerRoom;
  readonly #undos: UnfinishedUndos;
  #timer: NodeJS.Timeout | undefined;
  #sweeping = false;
  #again = false;
  #retryMs = soonMs;
  #stopped = false;

  constructor(room: ContainerRoom) {
    this.#room = room;
    this.#undos = new UnfinishedUndos(room.deps.log);
  }

  start(): void {
    this.#schedule(periodMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Something may have been left: the next look is not waited for. */
  soon(): void {
    if (this.#sweeping) this.#again = true;
    else this.#schedule(soonMs);
  }

  /** A step of undoing that failed is tried again until it works out; a daemon that ends before leaves it to the next. */
  takeBack(id: string, step: UndoStep): void {
    this.#undos.add(id, step);
    this.soon();
  }

  /** containerd was away: whatever was under way with it may have left something. */
  reconnected(): void {
    for (const container of this.#room.registry.all) container.unsure = true;
    this.soon();
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => inBackground("a look for leftovers", () => this.#run()), delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    this.#sweeping = true;
    this.#again = false;
    let failed = false;
    try {
      failed = !(await this.#sweep());
    } catch (error) {
      // Without containerd there is nothing to hold against; its return is told.
      if (!isKind(error, "unavailable", "deadlineExceeded", "cancelled")) throw error;
    } finally {
      this.#sweeping = false;
      this.#schedule(failed || this.#again ? this.#retryMs : periodMs);
      this.#retryMs = failed ? Math.min(this.#retryMs * slowerBy, periodMs) : soonMs;
    }
  }

  /** False when something could not be put right yet. */
  async #sweep(): Promise<boolean> {
    const { registry } = this.#room;
    const found = await footprints(this.#room);
    let clean = await this.#undos.tryAll();
    for (const container of registry.all) {
      if (this.#stopped) return true;
      if (isInDoubt(container) && container.lock.isFree) clean = (await this.#follow(container)) && clean;
      if (!isIdle(container)) continue;
      if (found.has(container.id) || container.isRunning) clean = (await this.#settle(container)) && clean;
      else container.unsure = false;
      if (isIdle(container) && isHalfRemoved(container.state))
        clean = (await this.#remove(container, () => finishRemoval(this.#room, container))) && clean;
      else if (isToGo(container))
        await this.#remove(container, () => this.#room.remove(container, { force: true, volumes: true }));
    }
    if (!this.#stopped) await clearStrays(this.#room, found);
    return clean;
  }

  async #settle(container: Container): Promise<boolean> {
    const { deps } = this.#room;
    try {
      await container.lock.run(async () => {
        // Looked at again now that nothing else can begin.
        const footprint = (await footprints(this.#room)).get(container.id);
        if (!isIdleUnderLock(container) || this.#stopped || (!footprint && !container.isRunning)) return;
        deps.log.warn("something of a container was left behind and is put right", {
          container: container.id,
          status: container.state.status,
          found: [...(footprint?.traces ?? ["nothing that runs"])].join(", "),
        });
        await settleIdle(this.#room, container, footprint, { told: true });
        container.unsure = false;
      });
      return true;
    } catch (error) {
      deps.log.warn("what was left of a container could not be put right yet", {
        container: container.id,
        error: String(error),
      });
      return false;
    }
  }

  async #follow(container: Container): Promise<boolean> {
    try {
      await container.lock.run(() => followTask(this.#room, container));
      return true;
    } catch (error) {
      // Its shim hangs yet, or it has ended.
      this.#room.deps.log.info("what was asked of a container is in doubt yet", {
        container: container.id,
        error: String(error),
      });
      return false;
    }
  }

  async #remove(container: Container, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      // Somebody else does it.
      if (isKind(error, "conflict", "notFound")) return true;
      this.#room.deps.log.warn("a container that was to go could not be removed yet", {
        container: container.id,
        error: String(error),
      });
      return false;
    }
  }
}

/** Nothing is done with it, and nobody watches a run of it. */
const isIdle = (container: Container): boolean => container.lock.isFree && isIdleUnderLock(container);

const isIdleUnderLock = (container: Container): boolean => !container.run && !container.removing && !container.removed;

/** Its run is over, or never began, and it was to go with it. */
function isToGo(container: Container): boolean {
  const { record, state } = container;
  const over = state.status === "exited" || (state.status === "created" && state.error !== "" && state.startedAt === zeroTime);
  return (record.hostConfig.AutoRemove ?? false) && over && isIdle(container) && container.restarts === 0;
}
