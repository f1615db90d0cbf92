import { withoutSecrets } from "@pouchcontainer/api";
import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";

/** A patch whose secrets are masked. */
export function redactPatch(patch: readonly PatchOperation[]): PatchOperation[] {
  return patch.map((operation) =>
    operation.op === "remove" ? operation : { ...operation, value: redactValue(operation.path, operation.value) },
  );
}

/** The value at a path of a body, with secrets masked wherever they sit. */
export function redactValue(path: string, value: unknown): unknown {
  return withoutSecrets(value, path.split("/"));
}
