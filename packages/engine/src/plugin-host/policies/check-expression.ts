import { messageChain } from "@pouchcontainer/errors";
import type { CelEnv, CelFunc } from "@bufbuild/cel";
import type { Expr, ExprOf } from "./cel-syntax.ts";
import { withParts } from "./cel-syntax.ts";
import { problemOfStruct } from "./check-struct.ts";
import { celTypesOf, fits, isOf, itemOf, memberOf, noMember, shapeOfType, textShape, type Shape } from "./shapes.ts";

/** Variables by name. */
export type Scope = ReadonlyMap<string, Shape>;

/** What is wrong with an expression, and at which part of it. */
export class ExpressionProblem extends Error {
  readonly id: bigint;

  constructor({ id }: Pick<Expr, "id">, message: string) {
    super(message);
    this.id = id;
  }
}

/** Names that stand for types, as `type(x) == string` has them. */
const typeNames = new Set(["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"]);
const logical = new Set(["_&&_", "_||_"]);
/** Names of no function, which the evaluator knows by itself. */
const untyped = new Set(["@not_strictly_false", "__not_strictly_false__"]);

/** Goes through an expression with what is known of the variables, and tells the shape of what comes out. Throws an `ExpressionProblem`. */
export class ExpressionCheck {
  readonly #funcs: CelEnv["funcs"];
  readonly #patternFound: (pattern: string) => void;

  /** `patternFound` is told of each regular expression that stands in a rule, and throws when it is none. */
  constructor(env: CelEnv, patternFound: (pattern: string) => void) {
    this.#funcs = env.funcs;
    this.#patternFound = patternFound;
  }

  shapeOf(expr: Expr, scope: Scope): Shape {
    const kind = expr.exprKind;
    switch (kind.case) {
      case "constExpr":
        return constantShape(kind.value);
      case "identExpr":
        return shapeOfName(expr, kind.value.name, scope);
      case "selectExpr":
        return this.#select(expr, kind.value, scope);
      case "callExpr":
        return this.#call(expr, kind.value, scope);
      case "comprehensionExpr":
        return this.#loop(kind.value, scope);
      case "structExpr":
        return this.#struct(expr, kind.value, scope);
      case "listExpr":
        for (const item of kind.value.elements) this.shapeOf(item, scope);
        return { type: "array" };
      default:
        throw new ExpressionProblem(expr, "this is no expression");
    }
  }

  #select(expr: Expr, { operand, field, testOnly }: ExprOf<"selectExpr">, scope: Scope): Shape {
    if (operand === undefined) return undefined;
    const shape = member(expr, this.shapeOf(operand, scope), field);
    return testOnly ? { type: "boolean" } : shape;
  }

  #struct(expr: Expr, struct: ExprOf<"structExpr">, scope: Scope): Shape {
    const problem = problemOfStruct(struct, scope.get("object"));
    if (problem !== undefined) throw new ExpressionProblem({ id: expr.id, ...problem }, problem.message);
    withParts(expr, (part) => {
      this.shapeOf(part, scope);
      return part;
    });
    return { type: "object" };
  }

  #loop(
    { iterRange, iterVar, iterVar2, accuInit, accuVar, loopCondition, loopStep, result }: ExprOf<"comprehensionExpr">,
    scope: Scope,
  ): Shape {
    const range = iterRange && this.shapeOf(iterRange, scope);
    if (iterRange !== undefined && celTypesOf(range)?.some((type) => type !== "list" && type !== "map"))
      throw new ExpressionProblem(
        iterRange,
        `a macro goes through a list or a map, this is a ${celTypesOf(range)?.join(" or ")}`,
      );
    const item = isOf(range, "object") ? textShape : itemOf(range);
    const inner = new Map([
      ...scope,
      [iterVar, item],
      [iterVar2, undefined],
      [accuVar, accuInit && this.shapeOf(accuInit, scope)],
    ]);
    for (const part of [loopCondition, loopStep]) if (part !== undefined) this.shapeOf(part, inner);
    return result && this.shapeOf(result, inner);
  }

  #call(expr: Expr, call: ExprOf<"callExpr">, scope: Scope): Shape {
    const qualified = qualifiedName(call);
    if (qualified !== undefined && this.#funcs.find(qualified) !== undefined)
      return this.#apply(expr, qualified, undefined, this.#shapes(call.args, scope));
    const target = call.target && { shape: this.shapeOf(call.target, scope) };
    const shapes = this.#shapes(call.args, scope);
    if (call.function === "matches") this.#pattern(call.args[0]);
    const [first, second, third] = shapes;
    if (untyped.has(call.function)) return { type: "boolean" };
    if (call.function === "_[_]") return indexed(expr, first, call.args[1]);
    if (call.function === "_?_:_") {
      wantBool(call.args[0], first, "before ? stands");
      return second === third || celTypesOf(second)?.[0] === celTypesOf(third)?.[0] ? second : undefined;
    }
    if (logical.has(call.function)) {
      for (const [index, shape] of shapes.entries()) wantBool(call.args[index], shape, `${call.function.slice(1, -1)} takes`);
      return { type: "boolean" };
    }
    return this.#apply(expr, call.function, target, shapes);
  }

  #pattern(expr: Expr | undefined): void {
    const pattern = expr && constantText(expr);
    if (expr === undefined || pattern === undefined) return;
    try {
      this.#patternFound(pattern);
    } catch (error) {
      throw new ExpressionProblem(expr, messageChain(error));
    }
  }

  #shapes(exprs: readonly Expr[], scope: Scope): Shape[] {
    return exprs.map((one) => this.shapeOf(one, scope));
  }

  #apply(expr: Expr, name: string, target: { shape: Shape } | undefined, args: readonly Shape[]): Shape {
    const all = [...(this.#funcs.find(name) ?? [])];
    if (all.length === 0) throw new ExpressionProblem(expr, `there is no function ${name}`);
    const takes = (func: CelFunc): boolean =>
      (func.target === undefined) === (target === undefined) &&
      (func.target === undefined || fits(target?.shape, func.target)) &&
      func.arguments.length === args.length &&
      func.arguments.every((type, index) => fits(args[index], type));
    const fitting = all.filter(takes);
    const [first] = fitting;
    if (first === undefined) {
      const given = `${target === undefined ? "" : `${typeName(target.shape)}.`}${name}(${args.map(typeName).join(", ")})`;
      throw new ExpressionProblem(
        expr,
        `there is no ${given}; there is ${all
          .map(({ id }) => id)
          .slice(0, 6)
          .join(", ")}`,
      );
    }
    return fitting.every(({ result }) => result.name === first.result.name) ? shapeOfType(first.result) : undefined;
  }
}

function typeName(shape: Shape): string {
  return celTypesOf(shape)?.join(" or ") ?? "dyn";
}

function wantBool(expr: Expr | undefined, shape: Shape, where: string): void {
  const types = celTypesOf(shape);
  if (expr !== undefined && types !== undefined && !types.includes("bool"))
    throw new ExpressionProblem(expr, `${where} a bool, this is a ${types.join(" or ")}`);
}

function member(expr: Expr, shape: Shape, name: string): Shape {
  const found = memberOf(shape, name);
  if ("shape" in found) return found.shape;
  throw new ExpressionProblem(expr, noMember(name, found.known));
}

function shapeOfName(expr: Expr, name: string, scope: Scope): Shape {
  if (scope.has(name)) return scope.get(name);
  if (typeNames.has(name)) return undefined;
  const known = [...scope.keys()].filter((one) => one !== "" && !one.startsWith("@"));
  throw new ExpressionProblem(expr, `there is no variable ${name}; there is ${known.join(", ")}`);
}

function indexed(expr: Expr, shape: Shape, key: Expr | undefined): Shape {
  const name = key && constantText(key);
  return isOf(shape, "object") && name !== undefined ? member(expr, shape, name) : itemOf(shape);
}

function constantText({ exprKind }: Expr): string | undefined {
  const constant = exprKind.case === "constExpr" ? exprKind.value.constantKind : undefined;
  return constant?.case === "stringValue" ? constant.value : undefined;
}

function constantShape({ constantKind }: ExprOf<"constExpr">): Shape {
  const types = { stringValue: "string", int64Value: "integer", boolValue: "boolean" } as const;
  const { case: kind } = constantKind;
  return kind === "stringValue" || kind === "int64Value" || kind === "boolValue" ? { type: types[kind] } : undefined;
}

/** `a.b` of `a.b(…)`, which may be a function of a name space. */
function qualifiedName({ target, function: name }: ExprOf<"callExpr">): string | undefined {
  return target?.exprKind.case === "identExpr" ? `${target.exprKind.value.name}.${name}` : undefined;
}
