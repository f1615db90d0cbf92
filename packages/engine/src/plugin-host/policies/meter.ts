import { resourceExhausted } from "@pouchcontainer/errors";

/** What all rules of a policy may take together in one call; a step is about 100 ns. */
export const maxSteps = 100_000;

/** Counts what evaluation does. Whoever goes on after a refusal, as `||` does, is refused by the next thing that costs. */
export class Meter {
  #left = maxSteps;

  /** A call begins. */
  start(): void {
    this.#left = maxSteps;
  }

  get isUsedUp(): boolean {
    return this.#left < 0;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.isUsedUp) throw tooMuch();
  }
}

export function tooMuch(): Error {
  return resourceExhausted(`it takes more than ${maxSteps} steps, which is the most for all rules of a policy in one call`);
}
