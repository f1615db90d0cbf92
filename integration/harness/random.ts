/** Numbers that look random and can be had again: what a test did is replayed by its seed. */
export class Random {
  readonly seed: number;
  #state: number;

  /** Takes the seed from `POUCH_TEST_SEED`, else from the clock. */
  static fromEnvironment(): Random {
    const given = process.env["POUCH_TEST_SEED"];
    return new Random(given === undefined ? Date.now() % 2 ** 32 : Number(given));
  }

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed | 0;
  }

  /** A generator of its own for a part of the work, so that what runs side by side does not change what each part gets. */
  for(part: string): Random {
    let hash = this.seed;
    for (const character of part) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    return new Random(hash >>> 0);
  }

  /** From 0 up to and without `end`, whole. (The mixing steps are mulberry32's.) */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }
}
