import type { parse } from "@bufbuild/cel";

/** A parsed expression. */
export type Expr = ReturnType<typeof parse>["expr"];
export type ExprOf<K extends Expr["exprKind"]["case"]> = Extract<Expr["exprKind"], { case: K }>["value"];

/** The same expression with other parts. */
export function withParts(expr: Expr, change: (part: Expr) => Expr): Expr {
  const changed = (part: Expr | undefined): { part?: Expr } => (part === undefined ? {} : { part: change(part) });
  const kind = expr.exprKind;
  switch (kind.case) {
    case "selectExpr": {
      const { part: operand } = changed(kind.value.operand);
      return { ...expr, exprKind: { case: kind.case, value: { ...kind.value, ...(operand && { operand }) } } };
    }
    case "callExpr": {
      const { part: target } = changed(kind.value.target);
      const value = { ...kind.value, ...(target && { target }), args: kind.value.args.map(change) };
      return { ...expr, exprKind: { case: kind.case, value } };
    }
    case "listExpr":
      return { ...expr, exprKind: { case: kind.case, value: { ...kind.value, elements: kind.value.elements.map(change) } } };
    case "structExpr": {
      const entries = kind.value.entries.map((entry) => {
        const { part: value } = changed(entry.value);
        const keyKind =
          entry.keyKind.case === "mapKey" ? { case: entry.keyKind.case, value: change(entry.keyKind.value) } : entry.keyKind;
        return { ...entry, keyKind, ...(value && { value }) };
      });
      return { ...expr, exprKind: { case: kind.case, value: { ...kind.value, entries } } };
    }
    case "comprehensionExpr": {
      const { iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
      const parts = Object.fromEntries(
        Object.entries({ iterRange, accuInit, loopCondition, loopStep, result }).flatMap(([name, part]) =>
          part === undefined ? [] : [[name, change(part)]],
        ),
      );
      return { ...expr, exprKind: { case: kind.case, value: { ...kind.value, ...parts } } };
    }
    default:
      return expr;
  }
}

/** How many parts an expression has, itself counted. */
export function sizeOf(expr: Expr): number {
  let size = 1;
  withParts(expr, (part) => {
    size += sizeOf(part);
    return part;
  });
  return size;
}

/** A new expression at the place of another. */
export function inPlaceOf({ id }: Expr, exprKind: Expr["exprKind"]): Expr {
  return { $typeName: "cel.expr.Expr", id, exprKind };
}

export function callOf(place: Expr, name: string, ...args: Expr[]): Expr {
  return inPlaceOf(place, { case: "callExpr", value: { $typeName: "cel.expr.Expr.Call", function: name, args } });
}

export function constantOf(place: Expr, value: string | bigint): Expr {
  const constantKind =
    typeof value === "string" ? { case: "stringValue" as const, value } : { case: "int64Value" as const, value };
  return inPlaceOf(place, { case: "constExpr", value: { $typeName: "cel.expr.Constant", constantKind } });
}
