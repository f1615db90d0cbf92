import { celEnv, isCelError, parse, plan, type CelEnv, type CelInput, type CelValue } from "@bufbuild/cel";
import { internal, invalidArgument, isKind, messageChain } from "@pouchcontainer/errors";
import { bounded } from "./bounded-expression.ts";
import { meteredFunctions } from "./cel-functions.ts";
import { CelPatterns } from "./cel-patterns.ts";
import { ExpressionCheck, ExpressionProblem, type Scope } from "./check-expression.ts";
import { Meter, tooMuch } from "./meter.ts";
import { celTypesOf, type Shape } from "./shapes.ts";

/** Characters of one expression; its parser and evaluator go down into it. */
const longestExpression = 4096;

/** An expression of a policy, ready to be called. */
export interface Rule {
  /** Where it stands, such as `policy.validations[0].expression`. */
  readonly place: string;
  readonly shape: Shape;
  /** Throws `internal`, naming the place, when it fails. */
  readonly evaluate: (bindings: Readonly<Record<string, CelInput>>) => CelValue;
}

/** Makes rules of expressions. All of them spend from one meter. */
export class CelRules {
  readonly meter = new Meter();
  readonly #known: Map<string, Parsed>;
  readonly #patterns = new CelPatterns(this.meter);
  readonly #env: CelEnv = celEnv({ funcs: meteredFunctions(this.meter, this.#patterns) });
  readonly #check = new ExpressionCheck(this.#env, (pattern) => this.#patterns.fix(pattern));

  /** `known`: what was parsed already, for other rules of the same text. */
  constructor(known: Map<string, Parsed>) {
    this.#known = known;
  }

  /** `type`: what has to come out, where that is fixed. Throws `invalidArgument` with place and position. */
  compile(place: string, source: string, scope: Scope, type?: "bool" | "string"): Rule {
    if (source.length > longestExpression)
      throw invalidArgument(
        `${place} has ${source.length} characters; at most ${longestExpression} are allowed: make parts of it variables`,
      );
    const parsed = this.#parsed(place, source);
    const shape = this.#shapeAt(place, source, parsed, scope);
    const types = celTypesOf(shape);
    if (type !== undefined && types !== undefined && !types.includes(type))
      throw invalidArgument(`${place} has to be a ${type}, and is a ${types.join(" or ")}`);
    const run = orTooDeep(place, () => plan(this.#env, bounded(parsed.expr)));
    return { place, shape, evaluate: (bindings) => this.#evaluate(place, run, bindings) };
  }

  #parsed(place: string, source: string): Parsed {
    const parsed = this.#known.get(source) ?? parsedAt(place, source);
    this.#known.set(source, parsed);
    return parsed;
  }

  #shapeAt(place: string, source: string, { expr, sourceInfo }: Parsed, scope: Scope): Shape {
    try {
      return orTooDeep(place, () => this.#check.shapeOf(expr, scope));
    } catch (error) {
      if (!(error instanceof ExpressionProblem)) throw error;
      throw invalidArgument(`${place}, ${position(source, sourceInfo?.positions[String(error.id)] ?? 0)}: ${error.message}`);
    }
  }

  #evaluate(place: string, run: (bindings: Record<string, CelInput>) => unknown, bindings: Record<string, CelInput>): CelValue {
    const result = run(bindings);
    // A variable that failed has said so, and where.
    if (isCelError(result) && isKind(result.cause, "internal")) throw result.cause;
    if (this.meter.isUsedUp) throw internal(`${place} failed: ${tooMuch().message}`);
    if (isCelError(result)) throw internal(`${place} failed: ${messageChain(result)}`);
    // What a plan answers is a value or an error.
    return result as CelValue;
  }
}

export type Parsed = ReturnType<typeof parse>;

function parsedAt(place: string, source: string): Parsed {
  try {
    return orTooDeep(place, () => parse(source));
  } catch (error) {
    if (isKind(error, "invalidArgument")) throw error;
    // The parser's errors say where they are.
    const { location } = error as { location?: { start: { offset: number } } };
    const message = messageChain(error).replace(/^<input>:\d+:\d+: /, "");
    throw invalidArgument(`${place}, ${position(source, location?.start.offset ?? 0)}: ${message}`, { cause: error });
  }
}

function orTooDeep<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof RangeError ? invalidArgument(`${place} is nested too deeply`, { cause: error }) : error;
  }
}

/** Line and column, from one. */
function position(source: string, offset: number): string {
  const lines = source.slice(0, offset).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
