import type { PluginReplaySummary } from "@pouchcontainer/api";

/** Reasons that are told apart; a message may have something of each call in it. */
const maxReasons = 100;

/** Counts what a replay found. */
export class ReplayReport {
  readonly #found = { calls: 0, same: 0, differ: 0, failing: 0, hidden: 0 };
  readonly #leftOut = new Map<string, number>();

  same(): void {
    this.#found.same += 1;
  }

  differs(isFailing: boolean): void {
    this.#found.differ += 1;
    if (isFailing) this.#found.failing += 1;
  }

  /** It differs, and may do so for want of a value that is not kept. */
  hidden(): void {
    this.#found.hidden += 1;
  }

  leaveOut(reason: string, calls = 1): void {
    if (calls === 0) return;
    const told = this.#leftOut.has(reason) || this.#leftOut.size < maxReasons ? reason : "for other reasons";
    this.#leftOut.set(told, (this.#leftOut.get(told) ?? 0) + calls);
  }

  get summary(): Pick<PluginReplaySummary, "calls" | "same" | "differ" | "failing" | "hidden" | "leftOut"> {
    const leftOut = [...this.#leftOut].map(([reason, calls]) => ({ reason, calls }));
    const { same, differ, hidden } = this.#found;
    const calls = same + differ + hidden + leftOut.reduce((sum, one) => sum + one.calls, 0);
    return { ...this.#found, calls, leftOut };
  }
}
