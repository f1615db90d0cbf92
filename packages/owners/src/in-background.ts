import { reportLostError } from "./lost-errors.ts";
import { duringOperation, type Operation } from "./operation.ts";

/**
 * Owns work that nobody waits for: a failure is reported with `task`, which says what the work is, and with the facts of the
 * operation that began it; the daemon logs it at level error and counts it. Failures that are to be expected are handled in the work.
 */
export function inBackground(task: string, work: () => Promise<unknown>, facts: Operation = {}): void {
  duringOperation({ ...facts, task }, () => {
    // `work` may throw before it has a promise.
    new Promise((resolve) => resolve(work())).catch(reportLostError);
  });
}
