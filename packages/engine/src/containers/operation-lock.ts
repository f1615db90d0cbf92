/** One operation at a time on one container; others are never waited for. */
export class OperationLock {
  #tail: Promise<unknown> = Promise.resolve();
  #underway = 0;

  /** Nothing is under way, and nothing waits. */
  get isFree(): boolean {
    return this.#underway === 0;
  }

  /** Resolves when nothing is under way any more. */
  async freed(): Promise<void> {
    while (!this.isFree) await this.#tail;
  }

  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#underway++;
    const result = this.#tail.then(operation).finally(() => this.#underway--);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
