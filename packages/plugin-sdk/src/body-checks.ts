import { Compile } from "typebox/compile";
import { entryOf, pointNames } from "./point-table.ts";
import type { PointName } from "./points.ts";
import type { SchemaIssue } from "./schema-issue.ts";

/** Complaints about a body; none when it is valid. */
export type BodyCheck = (value: unknown) => readonly SchemaIssue[];

/** The check of what a plugin may answer at each point; where it answers nothing, none. */
export type BodyChecks = Readonly<Record<PointName, BodyCheck>>;

function check(schema: object): BodyCheck {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? [] : validator.Errors(value));
}

/** Compiles all checks; some milliseconds, once per daemon. */
export function compileBodyChecks(): BodyChecks {
  const checks = new Map<object, BodyCheck>();
  const checkOf = (schema: object): BodyCheck => {
    const known = checks.get(schema) ?? check(schema);
    checks.set(schema, known);
    return known;
  };
  const answers = pointNames.map((point) => {
    const { answer, rule } = entryOf(point);
    return [point, answer === undefined || rule === "routes" ? () => [] : checkOf(answer.schema)];
  });
  // One for each of all points.
  return Object.fromEntries(answers) as BodyChecks;
}
