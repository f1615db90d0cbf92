/** Each has an answer's body in it, and nobody waits for it. */
export const mostAfterCalls = 16;

/** How many calls of `ApiPlugin.After` one instance of a plugin has, and has not got. */
export class AfterCalls {
  #underWay = 0;
  #leftOut = 0;

  /** False, and counted, where as many are under way as there may be. */
  enter(): boolean {
    if (this.#underWay < mostAfterCalls) {
      this.#underWay += 1;
      return true;
    }
    this.#leftOut += 1;
    return false;
  }

  /** One has ended: how many were left out meanwhile, which is told once. */
  leave(): number {
    this.#underWay -= 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
