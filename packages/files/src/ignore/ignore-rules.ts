import { posix } from "node:path";
import { compileGlob, type Glob } from "./glob.ts";

interface Rule {
  glob: Glob;
  /** `!`: what was left out by an earlier rule is taken again. */
  takesAgain: boolean;
}

/** A `.dockerignore`: which files of a folder are left out of a build's context. The last rule that matches a path, or a folder above it, counts. */
export class IgnoreRules {
  readonly #rules: readonly Rule[];

  /** Lines of the file, or patterns of the same form. Throws a `BadGlob`. */
  constructor(lines: readonly string[]) {
    this.#rules = lines.flatMap(ruleOf);
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Whether something in a folder that is left out may be taken all the same. */
  get takesAgain(): boolean {
    return this.#rules.some(({ takesAgain }) => takesAgain);
  }

  /** A path below the folder, with slashes and without one in front. */
  ignores(path: string): boolean {
    const names = path.split("/");
    const above = names.map((_, index) => names.slice(0, index + 1).join("/"));
    const last = this.#rules.findLast(({ glob }) => above.some((part) => glob.matches(part)));
    return last !== undefined && !last.takesAgain;
  }
}

function ruleOf(line: string): Rule[] {
  if (line.startsWith("#")) return [];
  const trimmed = line.trim();
  const takesAgain = trimmed.startsWith("!");
  const text = takesAgain ? trimmed.slice(1).trim() : trimmed;
  if (text === "") return [];
  const names = posix.normalize(text).split("/");
  const pattern = names.filter((name) => name !== "").join("/");
  if (pattern === "" || pattern === ".") return [];
  return [{ glob: compileGlob(pattern, { deep: true }), takesAgain }];
}
