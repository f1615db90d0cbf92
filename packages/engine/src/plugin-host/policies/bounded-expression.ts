import { inserted } from "./cel-functions.ts";
import { callOf, constantOf, sizeOf, withParts, type Expr, type ExprOf } from "./cel-syntax.ts";

/**
 * The same expression, with loops that tell the meter how long their list is and what each turn takes, lists that grow in place, and the
 * objects of Kubernetes' mutations (`Object{…}`, `JSONPatch{…}`) as maps.
 */
export function bounded(expr: Expr): Expr {
  const inner = withParts(expr, bounded);
  const kind = inner.exprKind;
  if (kind.case === "comprehensionExpr") return { ...inner, exprKind: { case: kind.case, value: metered(inner, kind.value) } };
  if (kind.case === "structExpr" && kind.value.messageName !== "")
    return { ...inner, exprKind: { case: kind.case, value: asMap(inner, kind.value) } };
  return inner;
}

function metered(place: Expr, loop: ExprOf<"comprehensionExpr">): ExprOf<"comprehensionExpr"> {
  const { iterRange, loopCondition, loopStep, accuVar } = loop;
  // The parser makes loops of macros, and gives each all of its parts.
  if (iterRange === undefined || loopCondition === undefined || loopStep === undefined) return loop;
  const turn = BigInt(sizeOf(loopCondition) + sizeOf(loopStep));
  return {
    ...loop,
    iterRange: callOf(iterRange, inserted.range, iterRange),
    loopCondition: callOf(place, "_&&_", callOf(place, inserted.within, constantOf(place, turn)), loopCondition),
    loopStep: growing(loopStep, accuVar),
  };
}

/** `list + [item]`, where `list` is what the loop makes, as an append to it. */
function growing(step: Expr, accuVar: string): Expr {
  const kind = step.exprKind;
  if (kind.case !== "callExpr") return step;
  const { function: name, args } = kind.value;
  const [first, second, third] = args;
  if (name === "_?_:_" && first !== undefined && second !== undefined && third !== undefined)
    return callOf(step, name, first, growing(second, accuVar), growing(third, accuVar));
  if (name !== "_+_" || first?.exprKind.case !== "identExpr" || first.exprKind.value.name !== accuVar) return step;
  const item = second?.exprKind.case === "listExpr" ? second.exprKind.value.elements[0] : undefined;
  return item === undefined ? step : callOf(step, inserted.append, first, item);
}

function asMap(place: Expr, struct: ExprOf<"structExpr">): ExprOf<"structExpr"> {
  const entries = struct.entries.map((entry) =>
    entry.keyKind.case === "fieldKey"
      ? { ...entry, keyKind: { case: "mapKey" as const, value: constantOf(place, entry.keyKind.value) } }
      : entry,
  );
  return { ...struct, messageName: "", entries };
}
