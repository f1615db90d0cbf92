import { withoutSecrets } from "@pouchcontainer/api";
import type { TracedOperation } from "./kept-patch.ts";

/** A patch whose secrets are masked. */
export function redactPatch(patch: readonly TracedOperation[]): TracedOperation[] {
  return patch.map((operation) =>
    !("value" in operation) ? operation : { ...operation, value: redactValue(operation.path, operation.value) },
  );
}

/** The value at a path of a body, with secrets masked wherever they sit. */
export function redactValue(path: string, value: unknown): unknown {
  return withoutSecrets(value, path.split("/"));
}
