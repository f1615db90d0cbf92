import { RE2JS } from "@bufbuild/re2";
import type { Meter } from "./meter.ts";

/** A longer one is no rule's. */
const longestPattern = 512;
/** Patterns made while a rule runs that are kept compiled. */
const maxKept = 100;

/** What a pattern is made into, whose size says what a character of a text costs at most. */
interface Compiled {
  pattern: RE2JS;
  instructions: number;
}

/** Regular expressions of RE2, whose time grows with text and program and nothing else; each is compiled once. */
export class CelPatterns {
  readonly #fixed = new Map<string, Compiled>();
  readonly #made = new Map<string, Compiled>();
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Compiles a pattern that stands in a rule. Throws when it is none. */
  fix(source: string): void {
    this.#fixed.set(source, compiled(source));
  }

  test(text: string, source: string): boolean {
    const { pattern, instructions } = this.#fixed.get(source) ?? this.#made.get(source) ?? this.#make(source);
    this.#meter.spend(1 + (text.length * instructions) / 2);
    return pattern.test(text);
  }

  #make(source: string): Compiled {
    this.#meter.spend(source.length * 4);
    const made = compiled(source);
    this.#meter.spend(made.instructions * 20);
    if (this.#made.size >= maxKept) this.#made.clear();
    this.#made.set(source, made);
    return made;
  }
}

function compiled(source: string): Compiled {
  if (source.length > longestPattern)
    throw new Error(`a pattern of ${source.length} characters is too long: at most ${longestPattern} are allowed`);
  const pattern = RE2JS.compile(source);
  return { pattern, instructions: pattern.re2Input.prog.numInst() };
}
