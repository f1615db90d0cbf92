import type { ExprOf } from "./cel-syntax.ts";
import { memberOf, noMember, textShape, type Shape } from "./shapes.ts";

const patchShape: Shape = { type: "object", properties: { op: textShape, path: textShape, value: {} } };

/** What is wrong with `Object{…}`, `Object.HostConfig{…}` or `JSONPatch{…}`, of which Kubernetes' mutations are made, and at which part. */
export function problemOfStruct(
  { messageName, entries }: ExprOf<"structExpr">,
  body: Shape,
): { message: string; id?: bigint } | undefined {
  if (messageName === "") return undefined;
  const [root, ...path] = messageName.split(".");
  let shape: Shape = body;
  if (messageName === "JSONPatch") shape = patchShape;
  else if (root !== "Object") return { message: `there is no type ${messageName}; there is Object, Object.FIELD and JSONPatch` };
  else
    for (const name of path) {
      const found = memberOf(shape, name);
      if ("known" in found) return { message: noMember(name, found.known) };
      shape = found.shape;
    }
  for (const { id, keyKind } of entries) {
    const found = keyKind.case === "fieldKey" ? memberOf(shape, keyKind.value) : { shape };
    if ("known" in found && keyKind.case === "fieldKey") return { message: noMember(keyKind.value, found.known), id };
  }
  return undefined;
}
