import { withoutSecrets } from "@pouchcontainer/api";
import type { TracedOperation } from "./kept-patch.ts";

/** A patch whose secrets are masked. */
export function redactPatch(patch: readonly TracedOperation[]): TracedOperation[] {
  return patch.map((operation, index) =>
    !("value" in operation)
      ? operation
      : { ...operation, value: redactValue(operation.path, operation.value, itemBefore(operation, patch[index - 1])) },
  );
}

/** The value at a path of a body, with secrets masked wherever they sit; `before` is the item in front of one of a list. */
export function redactValue(path: string, value: unknown, before?: unknown): unknown {
  return withoutSecrets(value, path.split("/"), before);
}

/** Where one operation follows another on the next item of a list, that item: a flag, perhaps, to which the next one belongs. */
function itemBefore({ path }: TracedOperation, previous: TracedOperation | undefined): unknown {
  if (previous === undefined || !("value" in previous)) return undefined;
  const slash = previous.path.lastIndexOf("/") + 1;
  const next = `${previous.path.slice(0, slash)}${Number(previous.path.slice(slash)) + 1}`;
  return next === path ? previous.value : undefined;
}
