import { isKind } from "@pouchcontainer/errors";
import type { ContainerDeps } from "../container-deps.ts";

/** Takes one thing back that an operation had begun. May be called again when it failed. */
export type UndoStep = () => Promise<unknown> | void;

/** Steps of undoing that did not work out, with containerd away perhaps, until they do. */
export class UnfinishedUndos {
  readonly #log: Pick<ContainerDeps["log"], "info">;
  #steps: { id: string; step: UndoStep }[] = [];

  constructor(log: Pick<ContainerDeps["log"], "info">) {
    this.#log = log;
  }

  /** `id` is that of the container that never became one. */
  add(id: string, step: UndoStep): void {
    this.#steps.push({ id, step });
  }

  /** Tries each of them once more, in their order. False when some are left. */
  async tryAll(): Promise<boolean> {
    const tried = this.#steps;
    this.#steps = [];
    for (const { id, step } of tried) {
      try {
        await step();
        this.#log.info("took back what a failed create had begun", { container: id });
      } catch (error) {
        // What is not there needs nothing more.
        if (!isKind(error, "notFound")) this.add(id, step);
      }
    }
    return this.#steps.length === 0;
  }
}
