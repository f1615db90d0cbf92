import { isSecretField } from "@pouchcontainer/api";
import { cutText } from "@pouchcontainer/errors";
import { pointerParts, valueAt } from "./json-pointer.ts";

/** One complaint of a JSON Schema validator. */
export interface SchemaIssue {
  keyword: string;
  instancePath: string;
  message: string;
  params?: unknown;
}

/**
 * The most telling of a validator's complaints in one phrase: `HostConfig.Memory must be integer, got "lots"`.
 * Complaints about branches of a union say least and come last. Of a long one the beginning is told.
 */
export function describeIssue(issues: readonly SchemaIssue[], value: unknown, root = ""): string {
  const weight = (issue: SchemaIssue): number =>
    issue.keyword === "anyOf" || issue.keyword === "oneOf" ? 2 : issue.keyword === "boolean" ? 1 : 0;
  const issue = issues.toSorted((a, b) => weight(a) - weight(b))[0];
  if (issue === undefined) return `${root === "" ? "the value" : root} is not valid`;
  const field = fieldName(issue.instancePath, root);
  const got = valueAt(value, issue.instancePath);
  const secret = issue.instancePath.split("/").some(isSecretField);
  const shown = secret || got === undefined || (typeof got === "object" && got !== null) ? "" : `, got ${JSON.stringify(got)}`;
  return cutText(`${field === "" ? "the value" : field} ${issue.message}${detail(issue)}${shown}`);
}

/** `HostConfig.PortBindings` for the pointer `/HostConfig/PortBindings`. */
export function fieldName(pointer: string, root = ""): string {
  const field = pointerParts(pointer)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("");
  return (root + field).replace(/^\./, "");
}

function detail(issue: SchemaIssue): string {
  // Validators put what they looked for into `params`, under the keyword's name.
  const params = issue.params as { additionalProperties?: unknown; allowedValues?: unknown } | undefined;
  const named =
    issue.keyword === "additionalProperties"
      ? params?.additionalProperties
      : issue.keyword === "enum"
        ? params?.allowedValues
        : undefined;
  return Array.isArray(named) ? ` (${named.join(", ")})` : "";
}
