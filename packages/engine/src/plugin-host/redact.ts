import type { PatchOperation } from "@pouchcontainer/plugin-sdk/host";

/** What stands in for a value that may be a secret. */
const mask = "***";

/** A patch whose environment values are masked: names stay, so that the reader sees which variable was touched. */
export function redactPatch(patch: readonly PatchOperation[]): PatchOperation[] {
  return patch.map((operation) =>
    operation.op === "remove" ? operation : { ...operation, value: redactValue(operation.path, operation.value) },
  );
}

/** The value at a path of a body, with environment values masked wherever they sit. */
export function redactValue(path: string, value: unknown): unknown {
  const parts = path.split("/");
  if (parts.at(-1) === "Env" || parts.at(-2) === "Env") return Array.isArray(value) ? value.map(maskEntry) : maskEntry(value);
  if (Array.isArray(value)) return value.map((item) => redactValue(`${path}/-`, item));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, redactValue(`${path}/${key}`, member)]));
  }
  return value;
}

function maskEntry(entry: unknown): unknown {
  if (typeof entry !== "string") return entry;
  const equals = entry.indexOf("=");
  return equals === -1 ? entry : `${entry.slice(0, equals + 1)}${mask}`;
}
