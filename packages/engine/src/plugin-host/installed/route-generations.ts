/**
 * Which of a plugin's answers to `api.updateHandler` may still be asked about: the one in the table that is served, and those with requests
 * under way. What was answered for a table that was refused is none of them.
 */
export class RouteGenerations {
  #asked: string | undefined;
  #served: string | undefined;
  readonly #underWay = new Map<string, number>();

  /** A new one is made; returns those in use besides it. */
  ask(generation: string): string[] {
    this.#asked = generation;
    return [...new Set([...(this.#served === undefined ? [] : [this.#served]), ...this.#underWay.keys()])];
  }

  /** The table with the one that was asked for last is served from now on. */
  served(): void {
    this.#served = this.#asked;
  }

  /** A request of that generation is under way until what is returned is called; `release` is called then. */
  hold(generation: string, release: () => void): () => void {
    this.#underWay.set(generation, (this.#underWay.get(generation) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#underWay.get(generation) ?? 1) - 1;
      if (left > 0) this.#underWay.set(generation, left);
      else this.#underWay.delete(generation);
      release();
    };
  }
}
